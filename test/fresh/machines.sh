#!/bin/sh
# Machines that are not bare: with a server alone, with clients alone, with a PG_CONFIG that is no good.
major=$(major)
server=/usr/lib/postgresql/$major

refused 'PG_CONFIG=/nonexistent: there is no such program' make demo PG_CONFIG=/nonexistent
refused 'PG_CONFIG=/nonexistent: there is no such program' env PG_CONFIG=/nonexistent make test
refused 'PG_CONFIG=/bin/true' make PG_CONFIG=/bin/true
[ ! -e "$server" ] || fail 'PostgreSQL was installed beside a PG_CONFIG that is no good'

# a client brings pg_config and PGXS
get "postgresql-client-$major"
refused "install postgresql-server-dev-$major" make
refused "install postgresql-server-dev-$major" make demo PG_CONFIG="$server/bin/pg_config"
[ ! -e "$server/bin/postgres" ] || fail 'PostgreSQL was installed beside a PG_CONFIG that is no good'

# a server of the machine's own, which stays as it is
get "postgresql-$major"
before=$(find /etc/postgresql /var/lib/postgresql -newermt 2000-01-01 -printf '%p %T@\n' | sort)
refused "install postgresql-server-dev-$major" make
sh test/server/install-packages demo
[ "$before" = "$(find /etc/postgresql /var/lib/postgresql -newermt 2000-01-01 -printf '%p %T@\n' | sort)" ] ||
    fail 'the cluster of the machine was touched'
sh test/server/find-pg-config server
