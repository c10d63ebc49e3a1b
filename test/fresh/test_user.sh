#!/bin/sh
# A user without sudo tests on a machine where root has installed what tests need: some of each kind.
refused 'have root run: apt-get install' as dev make test
(cd /srv/softdelete && sh test/server/install-packages test)
tested_as dev
