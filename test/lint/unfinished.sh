#!/bin/sh
# Nothing is left for later: no to-do marks.
! grep -rnwIE --exclude-dir=.git 'TOD[O]|FIXM[E]|XX[X]' . | grep .
