FROM busybox
VOLUME /p
