FROM busybox
EXPOSE 1 3/udp
