FROM busybox
COPY a.txt /p/
COPY dir/sub/y.txt /p/dir/sub/
