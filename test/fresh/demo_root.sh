#!/bin/sh
# `make demo` is the first thing that root does.
told_story make demo
no_cluster
for package in shellcheck clang-format libfaketime "postgresql-$(major)-cron" sudo; do
    ! dpkg -s "$package" >/dev/null 2>&1 || fail "the demo needs no $package"
done
