FROM busybox
COPY --chmod=0640 a.txt /
COPY --chmod=0711 dir /d
