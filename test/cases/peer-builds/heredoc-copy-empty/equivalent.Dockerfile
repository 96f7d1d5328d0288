FROM busybox
RUN touch /empty
