#!/bin/sh
# Includes point downward: edges -> promises -> {rows, planner} -> {session, registry} -> catalog -> {sqltext, model}.
# Everybody but the pure two may use pg. A promise uses another one only along an arrow that stands here.
check() { # FOLDER ALLOWED_FOLDER...: nothing else of ours is included
    folder=$1
    allowed=$(echo "$@" | tr ' ' '|')
    ! grep -rnE '^ *#include "([a-z]+/.*|\.\./.*)\.hpp"' "src/$folder" --include='*.[ch]pp' 2>/dev/null |
        grep -vE "#include \"($allowed)/[^/]+\.hpp\""
}
status=0
promises='registration deletion restore purge holds erasure history archive ddl utility checkup'
shared='rows planner session registry catalog sqltext model pg'
# shellcheck disable=SC2086 # lists of words
{
    for edge in api hooks triggers worker; do check $edge $promises $shared || status=1; done
    check registration holds $shared || status=1
    check deletion holds $shared || status=1
    check restore deletion $shared || status=1
    check holds $shared || status=1
    check history deletion holds $shared || status=1
    check archive registration history deletion erasure holds $shared || status=1
    check erasure holds deletion history $shared || status=1
    check purge holds erasure deletion history $shared || status=1
    check ddl registration holds history archive erasure $shared || status=1
    check checkup registration purge archive history erasure $shared || status=1
    check utility ddl registration $shared || status=1
    check rows planner session registry catalog sqltext model pg || status=1
}
check planner session catalog model pg || status=1
check session model pg || status=1
check registry catalog sqltext model pg || status=1
check catalog sqltext model pg || status=1
check sqltext model && check model && check pg || status=1
exit $status
