FROM busybox
RUN echo added > /f
