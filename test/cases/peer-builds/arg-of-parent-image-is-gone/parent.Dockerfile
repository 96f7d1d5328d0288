FROM busybox
ARG A=1
RUN echo "[$A]" > /of-parent
