FROM busybox
ENV A=1 B=1
LABEL one=1 two=2
CMD ["a"]
