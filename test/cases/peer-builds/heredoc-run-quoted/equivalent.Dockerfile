FROM busybox
ENV V=outer
RUN V=inner; echo "$V" > /one
