#!/bin/sh
# No source file has more than 400 lines.
! find src -name '*.[ch]pp' -exec wc -l {} + | awk '$2 != "total" && $1 > 400' | grep .
