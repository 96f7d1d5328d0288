FROM busybox
ONBUILD COPY given /made/given
ONBUILD ARG MODE=quick
ONBUILD RUN echo $MODE > /made/mode
