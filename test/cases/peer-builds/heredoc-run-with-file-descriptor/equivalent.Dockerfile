FROM busybox
RUN echo three > /seen
