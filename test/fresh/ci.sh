#!/bin/sh
# What continuous integration runs.
cd /srv/softdelete
tested .ci/run
