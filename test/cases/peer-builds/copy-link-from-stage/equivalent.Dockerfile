FROM busybox AS one
RUN mkdir /o && echo x > /o/x && chown 3:4 /o/x
FROM busybox
COPY --from=one /o/x /n/x
COPY --from=one --chown=5:6 /o /m
