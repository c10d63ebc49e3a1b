#!/bin/sh
# `make demo` is the first thing that a user does who may use sudo.
may_sudo dev
told_story as dev make demo
no_cluster
[ -z "$(find /srv/dev/softdelete ! -user dev)" ] || fail 'something in the tree is not the user'\''s'
