#!/bin/sh
# META.json, the control file and the changelog speak of the same version, and the manual of the headers of Boost that src includes.
version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" softdelete.control)
grep -q "^## .*\<$version\>" CHANGELOG.md || { echo "CHANGELOG.md has no heading for $version"; exit 1; }
! awk '/"meta-spec"/ { exit } /"version":/' META.json | grep -v "\"$version\.[0-9]*\"" || exit 1
included=$(grep -rho '<boost/[^>]*>' src --include='*.[ch]pp' | tr -d '<>' | sort -u)
named=$(grep -o 'boost/[a-z_/]*\.hpp' doc/packaging.md | sort -u)
[ "$included" = "$named" ] || { echo "doc/packaging.md names $named, src includes $included"; exit 1; }
