FROM busybox
ARG DIR=d
ENV AT=/m
RUN mkdir /m
RUN --mount=source=d,target=/m cat /m/f > /copy
