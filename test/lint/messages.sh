#!/bin/sh
# What a user can cause is reported with a SQLSTATE: no elog(ERROR) in src/api and src/commands.
! grep -rnE '\belog *\( *(ERROR|FATAL)' src/api src/commands 2>/dev/null | grep .
