FROM busybox
RUN printf 'one\n  two\n' > /f
