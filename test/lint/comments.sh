#!/bin/sh
# Every object that the install script creates has a COMMENT ON; of overloaded functions each one.
kinds='(SCHEMA|TABLE|VIEW|SEQUENCE|INDEX|TYPE|DOMAIN|FUNCTION|PROCEDURE|AGGREGATE|TRIGGER|EVENT TRIGGER)'
objects() { # COMMAND: kind and name of each object that it is about
    grep -hE "^($1) $kinds " src/extension/[0-9]*.sql 2>/dev/null |
        sed -E "s/^($1) $kinds (IF NOT EXISTS )?(softdelete(_internal)?\.)?([a-z_0-9]+).*/\\2 \\6/"
}
{ objects 'CREATE|CREATE OR REPLACE|CREATE UNIQUE|CREATE CONSTRAINT'; echo; objects 'COMMENT ON'; } | awk '
    !NF { commented = 1 }
    NF { balance[$0] += commented ? -1 : 1 }
    END { for (o in balance) if (balance[o] > 0) { print o ": " balance[o] " more created than commented"; bad = 1 }; exit bad }'
