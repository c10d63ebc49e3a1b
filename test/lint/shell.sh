#!/bin/sh
# Shell scripts are POSIX sh, each as its shell parses it.
! grep -rlE '^#!/bin/(ba)?sh' .ci test | while read -r script; do sh -n "$script" 2>&1; done | grep .
