FROM busybox
COPY dir/sub /p/dir/sub
