FROM busybox
ONBUILD RUN echo x >> /count
