FROM busybox
ADD tree.tar /into/
