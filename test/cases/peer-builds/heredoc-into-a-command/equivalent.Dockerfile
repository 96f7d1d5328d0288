FROM busybox
RUN printf 'line one\n  line 2\n' > /seen && echo done > /done
