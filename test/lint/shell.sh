#!/bin/sh
# Shell scripts are POSIX sh, each as its shell parses it.
for script in $(grep -rlE '^#!/bin/(ba)?sh' .ci test); do sh -n "$script" || exit 1; done
