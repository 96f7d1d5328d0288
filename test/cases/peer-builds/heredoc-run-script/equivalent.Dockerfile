FROM busybox
ARG WHO=world
RUN echo "hello $WHO" > /one; for i in 1 2; do echo $i >> /two; done
RUN ls / | grep -c -e one -e two > /three
