#!/bin/sh
# META.json, the control file and the changelog speak of the same version.
version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" softdelete.control)
grep -q "^## .*\<$version\>" CHANGELOG.md || { echo "CHANGELOG.md has no heading for $version"; exit 1; }
! awk '/"meta-spec"/ { exit } /"version":/' META.json | grep -v "\"$version\.[0-9]*\""
