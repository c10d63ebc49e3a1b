#!/bin/sh
# `make test` is the first thing that a user does who may use sudo: some of each kind.
may_sudo dev
tested_as dev
no_cluster
