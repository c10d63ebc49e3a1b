#!/bin/sh
# SQL is parsed and run in src/pg/spi.* only, which pins what its meaning depends on. A line elsewhere that parses says in
# a comment at its end that it is pinned, that no name is looked up, or that what it parses is the user's own statement.
! {
    grep -rnE '\b(SPI_(prepare|execute|exec|cursor_open|cursor_parse)[a-z_]*|pg_parse_query|raw_parser|pg_analyze[a-z_]*|parse_analyze[a-z_]*|transformTopLevelStmt|transformStmt|transformExpr) *\(' \
        src --include='*.[ch]pp' | grep -v '^src/pg/spi\.' |
        grep -vE "// (pinned|looks up no name|the user's own statement)\$"
    grep -rnE 'set\("search_path"|namespace_search_path|(Push|Get)OverrideSearchPath|SearchPathMatcher' \
        src --include='*.[ch]pp' | grep -vE '^src/pg/(scopes|spi|compat|called_settings)\.'
} | grep .
