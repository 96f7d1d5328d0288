FROM busybox
ENV A=parent B=parent C=parent
