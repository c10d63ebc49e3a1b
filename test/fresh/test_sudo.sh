#!/bin/sh
# `make test` is the first thing that a user does who may use sudo.
may_sudo dev
tested as dev make test
no_cluster
