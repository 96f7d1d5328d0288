FROM busybox
COPY dir/sub/y.txt /p/sub/
COPY other/w.txt /p/
