FROM busybox
COPY dir/x.txt /d/
COPY dir/sub/z.md /d/sub/
