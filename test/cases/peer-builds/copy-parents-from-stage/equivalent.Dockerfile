FROM busybox AS one
RUN mkdir -p /a/b && echo x > /a/b/x
FROM scratch
COPY --from=one /a/b/x /p/a/b/x
