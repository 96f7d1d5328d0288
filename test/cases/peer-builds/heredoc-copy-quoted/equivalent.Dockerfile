FROM busybox
RUN printf '%s\n' '$HOME stays \n' > /f
