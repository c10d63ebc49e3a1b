#!/bin/sh
# Text is never printed into an array of characters: no sprintf, no `char sql[...]`.
! grep -rnE '\bv?sn?printf *\(|\bchar +[a-z_]*(sql|query)[a-z_]* *\[' src --include='*.[ch]pp' | grep .
