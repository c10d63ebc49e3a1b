#!/bin/sh
# `make test` is the first thing that a user does who may use sudo: some of each kind.
may_sudo dev
tested as dev make test TESTS="$as_a_user"
no_cluster
