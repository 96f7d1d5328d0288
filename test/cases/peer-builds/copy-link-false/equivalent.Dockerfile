FROM busybox
COPY a.txt /d/
