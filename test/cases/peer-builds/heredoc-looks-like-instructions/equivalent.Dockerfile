FROM busybox
RUN printf '%s\n' 'FROM scratch' 'COPY x /' '# remark' 'RUN a ' '  b' > /Dockerfile.inner
LABEL after=1
