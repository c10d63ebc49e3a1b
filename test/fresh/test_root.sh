#!/bin/sh
# `make test` is the first thing that root does.
tested make test
no_cluster
