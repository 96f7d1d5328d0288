FROM busybox
RUN echo second > /seen
