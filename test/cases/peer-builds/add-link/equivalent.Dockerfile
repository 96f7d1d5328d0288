FROM busybox
ADD tree.tar /t/
ADD a.txt /a/
