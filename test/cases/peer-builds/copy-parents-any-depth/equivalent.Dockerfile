FROM busybox
COPY dir/x.txt /p/dir/
COPY dir/sub/y.txt /p/dir/sub/
