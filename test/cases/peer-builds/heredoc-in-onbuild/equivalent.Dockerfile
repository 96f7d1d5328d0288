FROM busybox AS p
ONBUILD RUN echo triggered > /seen; echo text > /copied
FROM p
LABEL child=1
