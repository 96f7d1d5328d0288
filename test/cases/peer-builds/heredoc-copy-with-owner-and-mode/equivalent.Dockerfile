FROM busybox
RUN echo '#!/bin/sh' > /run.sh; chown app:50 /run.sh; chmod 751 /run.sh
RUN stat -c '%a %u %g' /run.sh > /seen
