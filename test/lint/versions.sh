#!/bin/sh
# Differences between server versions live in src/pg/compat.hpp, compat_values.hpp and compat_owners.hpp only, with the names that versions have not in common.
! grep -rnE 'PG_VERSION_NUM|PG_MAJORVERSION|->resultRelations|[^:_a-z](index|table)_beginscan\(|PointerGetDatum\(nullptr\)|\(Datum, int, uint32\)' \
    --include='*.[ch]pp' src | grep -v '^src/pg/compat\(_values\|_owners\)\?\.hpp:'
