#!/bin/sh
# Headers of C++ are never included within extern "C": what they declare would be C.
find src -name '*.[ch]pp' -exec awk '
    FNR == 1 { inside = 0 }
    /^extern "C" \{/ { inside = 1 }
    /^}/ { inside = 0 }
    inside && /^ *#include .*\.hpp"/ { print FILENAME ":" FNR ": " $0; found = 1 }
    END { exit found }' {} +
