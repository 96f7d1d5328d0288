FROM scratch
COPY dir/x.txt /d/
COPY dir/sub/y.txt /d/sub/
