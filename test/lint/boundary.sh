#!/bin/sh
# Only src/pg/boundary.* deals with longjmp: PG_TRY, PG_CATCH, PG_FINALLY, PG_RE_THROW, sigsetjmp.
! grep -rnE '\b(PG_TRY|PG_CATCH|PG_FINALLY|PG_RE_THROW|sigsetjmp|siglongjmp) *\(' src --include='*.[ch]pp' |
    grep -v '^src/pg/boundary\.'
