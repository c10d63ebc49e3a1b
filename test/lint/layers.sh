#!/bin/sh
# Includes point downward: edges -> commands -> {planner, catalog} -> {sqltext, model}; all but the pure two may use pg.
check() { # FOLDER ALLOWED_FOLDER...: nothing else of ours is included
    folder=$1
    allowed=$(echo "$@" | tr ' ' '|')
    ! grep -rnE '^ *#include "([a-z]+/.*|\.\./.*)\.hpp"' "src/$folder" 2>/dev/null |
        grep -vE "#include \"($allowed)/[^/]+\.hpp\""
}
status=0
for edge in api hooks triggers worker; do check $edge commands planner catalog sqltext model pg || status=1; done
check commands planner catalog sqltext model pg || status=1
check planner model pg || status=1
check catalog sqltext model pg || status=1
check sqltext model && check model && check pg || status=1
exit $status
