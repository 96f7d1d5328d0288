FROM busybox
COPY tree.tar /into/
