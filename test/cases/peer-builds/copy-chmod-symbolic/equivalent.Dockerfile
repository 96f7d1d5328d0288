FROM busybox
COPY dir /d
COPY a.txt b.txt /
RUN find /d -type d -exec chmod 755 {} + && find /d -type f -exec chmod 644 {} + && chmod a+x /a.txt && chmod go-rwx /b.txt
