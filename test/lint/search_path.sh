#!/bin/sh
# Every function pins its search_path, or says in a comment `-- search_path: ...` inside its definition why it cannot.
! cat src/extension/[0-9]*.sql 2>/dev/null | awk '
    /^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE) / { name = $0; pinned = 0; quote = 0 }
    name && (/SET search_path = pg_catalog, pg_temp/ || /-- search_path: [a-z]/) { pinned = 1 }
    name { quote += gsub(/\$[a-z_]*\$/, "&") }
    name && quote % 2 == 0 && /;[ \t]*(--.*)?$/ { if (!pinned) print name; name = "" }' | grep .
