FROM busybox
RUN echo "from awk" > /seen
