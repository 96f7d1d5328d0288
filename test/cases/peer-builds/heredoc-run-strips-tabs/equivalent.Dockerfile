FROM busybox
RUN echo tabs > /one
RUN echo inner > /two
