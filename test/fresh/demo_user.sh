#!/bin/sh
# A user without sudo is told what to have installed; with that, the demo needs nobody's permission.
refused 'have root run: apt-get install' as dev make demo
eval "$(sed -n 's/.*have root run: apt-get/get_again/p' /tmp/refused.log | sed 's/get_again install --no-install-recommends/get/')"
as dev sh -c '! command -v sudo'
told_story as dev make demo
