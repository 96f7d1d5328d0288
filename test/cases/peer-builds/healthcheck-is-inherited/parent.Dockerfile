FROM busybox
HEALTHCHECK --interval=5s CMD /check
STOPSIGNAL SIGINT
VOLUME /data
EXPOSE 80
USER app
WORKDIR /home/app
LABEL from=parent
MAINTAINER Somebody Else
