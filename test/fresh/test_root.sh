#!/bin/sh
# `make test` is the first thing that root does.
cd /srv/softdelete
tested make test
no_cluster
