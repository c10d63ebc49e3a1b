#!/bin/sh
# Differences between server versions live in src/pg/compat.hpp only.
! grep -rnE 'PG_VERSION_NUM|PG_MAJORVERSION' src | grep -v '^src/pg/compat\.hpp:'
