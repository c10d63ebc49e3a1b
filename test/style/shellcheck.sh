#!/bin/sh
# Shell scripts are without complaints from shellcheck, of the version that is here.
command -v shellcheck >/dev/null || { echo 'shellcheck is missing'; exit 77; }
# shellcheck disable=SC2046 # a list of words
shellcheck -x $(grep -rlE '^#!/bin/(ba)?sh' .ci test)
