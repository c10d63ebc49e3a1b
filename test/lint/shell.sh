#!/bin/sh
# Shell scripts are POSIX sh without complaints from shellcheck.
scripts=$(grep -rlE '^#!/bin/(ba)?sh' .ci test)
for script in $scripts; do sh -n "$script" || exit 1; done
command -v shellcheck >/dev/null || { echo 'shellcheck is missing'; exit 77; }
# shellcheck disable=SC2086 # a list of words
shellcheck $scripts
