#!/bin/sh
# The sources are as clang-format leaves them (`make format`). Checked with the version that formats them, 14.
clang-format --version 2>/dev/null | grep -q 'version 14\.' || { echo 'needs clang-format 14'; exit 77; }
! find src -name '*.[ch]pp' -exec clang-format --dry-run {} + 2>&1 | grep -oE '^[^ ]+: (warning|error): .*' | cut -d: -f1 |
    uniq -c | grep .
