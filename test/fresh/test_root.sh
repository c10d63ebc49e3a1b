#!/bin/sh
# `make test` is the first thing that root does. FRESH_TESTS picks some of the tests.
tested make test ${FRESH_TESTS:+TESTS="$FRESH_TESTS"}
no_cluster
