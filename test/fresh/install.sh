#!/bin/sh
# README's way: build and install for the server that is here, then the tests on a running cluster, which leave nothing.
refused 'install postgresql-server-dev' make
sh test/server/install-packages build
make
get "postgresql-$(major)"
make install
library=$("/usr/lib/postgresql/$(major)/bin/pg_config" --pkglibdir)/softdelete.so
[ "$(wc -c <"$library")" -lt 8000000 ] || fail "the library has $(wc -c <"$library") bytes"
say "the library has $(wc -c <"$library") bytes"
