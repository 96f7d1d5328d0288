FROM busybox
SHELL ["/bin/busybox", "sh", "-c"]
