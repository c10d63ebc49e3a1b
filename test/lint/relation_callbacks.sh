#!/bin/sh
# The server keeps ten callbacks for invalidations of relations, for all libraries of a session: this library takes one
# (src/pg/relation_changes), beside libraries that take several.
! grep -rn 'CacheRegisterRelcacheCallback' src --include='*.[ch]pp' | grep -v '^src/pg/relation_changes\.cpp:'
