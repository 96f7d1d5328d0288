FROM busybox
ENV V=value
RUN printf '%s\n' '# of the app' 'key=value value $V "quoted" '"'single value'" '  indented' > /etc/app.conf
