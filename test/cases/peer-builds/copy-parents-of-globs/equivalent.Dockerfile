FROM busybox
COPY dir/x.txt /p/dir/
COPY other/w.txt /p/other/
