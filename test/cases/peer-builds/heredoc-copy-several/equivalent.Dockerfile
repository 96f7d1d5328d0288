FROM busybox
COPY plain.txt /dir/
RUN echo first > /dir/one.txt; echo second > /dir/two.txt
