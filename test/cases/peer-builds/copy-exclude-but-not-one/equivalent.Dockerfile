FROM busybox
COPY dir/sub /d/sub
