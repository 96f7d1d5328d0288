FROM busybox
COPY src/a.txt src/b.txt /all/
COPY src/dir /all/dir
COPY src/other /all/other
COPY src/a.txt /files/
