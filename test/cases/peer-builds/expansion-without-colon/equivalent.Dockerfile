FROM busybox
ENV SET=set EMPTY=""
LABEL a=set b=[] c=x d=y e=[y] f=[]
