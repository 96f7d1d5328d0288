FROM busybox
ENV P=/usr/lib/lib.tar.gz
LABEL a=usr/lib/lib.tar.gz b=lib.tar.gz c=/usr/lib/lib.tar d=/usr/lib/lib e=/usr/X/lib.tar.gz f=/usr/X/X.tar.gz
