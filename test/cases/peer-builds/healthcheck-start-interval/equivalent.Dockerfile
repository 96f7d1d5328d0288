FROM busybox
HEALTHCHECK --interval=1h CMD ["true"]
