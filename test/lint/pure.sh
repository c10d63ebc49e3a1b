#!/bin/sh
# model and sqltext are pure: they know neither the server nor our bridge to it.
! grep -rnE '#include .(postgres|fmgr|(pg|access|catalog|commands|executor|nodes|optimizer|parser|storage|utils)/)' \
    src/model src/sqltext 2>/dev/null | grep .
