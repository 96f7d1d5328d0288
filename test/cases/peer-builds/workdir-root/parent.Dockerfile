FROM busybox
WORKDIR /of/parent
