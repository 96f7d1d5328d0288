FROM busybox
COPY dir/x.txt /d/
