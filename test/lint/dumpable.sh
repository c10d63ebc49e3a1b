#!/bin/sh
# The owner of the database may read what pg_dump reads: each relation of pg_extension_config_dump() has its grant.
granted=$(sed '/^--/d' src/extension/90_grants.sql | tr '\n' ' ' | tr ';' '\n' | grep -E 'TO (pg_database_owner|PUBLIC) *$')
! sed -n "s/.*pg_extension_config_dump('\([a-z_.]*\)'.*/\1/p" src/extension/[0-9]*.sql | while read -r name; do
    echo "$granted" | grep -qwF "$name" || echo "$name"
done | grep .
