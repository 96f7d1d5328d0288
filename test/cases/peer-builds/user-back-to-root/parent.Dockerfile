FROM busybox
USER app
