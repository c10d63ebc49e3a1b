#!/bin/sh
# Includes point downward: edges -> commands -> catalog -> {sqltext, model}; everyone but the pure two may use pg.
check() { # FOLDER ALLOWED_FOLDER...: nothing else of ours is included
    folder=$1
    allowed=$(echo "$@" | tr ' ' '|')
    ! grep -rnE '^ *#include "([a-z]+/.*|\.\./.*)\.hpp"' "src/$folder" 2>/dev/null |
        grep -vE "#include \"($allowed)/[^/]+\.hpp\""
}
status=0
for edge in api triggers worker; do check $edge commands catalog sqltext model pg || status=1; done
check hooks planner commands catalog sqltext model pg || status=1
check planner catalog model pg || status=1
check commands catalog sqltext model pg || status=1
check catalog sqltext model pg || status=1
check sqltext model && check model && check pg || status=1
exit $status
