FROM busybox
ENTRYPOINT ["parent"]
CMD ["p"]
