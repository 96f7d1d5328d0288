FROM busybox
ENTRYPOINT ["/first"]
CMD ["its", "words"]
