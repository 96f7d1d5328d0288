FROM busybox
HEALTHCHECK --interval=5s --timeout=3s CMD true
