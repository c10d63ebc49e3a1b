#!/bin/sh
# The folders of src are those that the layers know; a new one gets its place in layers.sh first. None has more than 35
# source files.
known='api|triggers|hooks|worker|registration|deletion|restore|purge|holds|erasure|history|archive|checkup|ddl|utility|rows|planner|session'
known="$known|registry|catalog|sqltext|model|pg|extension(/(upgrade|released))?"
! { find src -mindepth 2 -type f ! -name '*.[od]' -exec dirname {} + | sort -u | grep -vxE "src/($known)"
    find src -name '*.cpp' -exec dirname {} + | sort | uniq -c | awk '$1 > 35'; } | grep .
