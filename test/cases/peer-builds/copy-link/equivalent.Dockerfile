FROM busybox
RUN mkdir -p /dst && chmod 700 /dst && ln -s /dst /to
RUN chmod 755 /dst
COPY a.txt /dst/
COPY b.txt /plain/b.txt
