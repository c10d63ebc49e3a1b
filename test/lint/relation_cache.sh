#!/bin/sh
# Lists of the relation cache are walked in a copy (pg/relation_cache), or where a comment says that nothing is looked up.
! grep -rnE -B1 --include='*.[ch]pp' '[.>]trigdesc|RelationGetFKeyList|rd_rsdesc' src |
    awk '/relation_cache\.hpp/ { next }
         /^--$/ { said = 0; next }
         /othing is looked up/ { said = 1 }
         /[.>]trigdesc|RelationGetFKeyList|rd_rsdesc/ { if (!said) print; said = 0 }' | grep .
