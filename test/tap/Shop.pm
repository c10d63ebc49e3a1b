# A database with registered tables of all kinds, deletions in them, and statements that tell whether all of it works
# after the database has been moved somewhere else. Its owner is the role keeper, who
# is a member of another role, reader.
package Shop;

use strict;
use warnings;

# The statements that fill the database, as its owner.
our $contents = <<'SQL';
CREATE SCHEMA "Q'x";
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE,
    manager bigint REFERENCES users ON DELETE CASCADE, code int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "Q'x"."Order s" (id int PRIMARY KEY, user_id bigint REFERENCES users ON DELETE CASCADE, "no t" text);
CREATE INDEX ON "Q'x"."Order s" (user_id);
CREATE INDEX "by note" ON "Q'x"."Order s" ("no t");
CREATE TABLE notes (id int PRIMARY KEY, user_id bigint REFERENCES users DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE plain (id int PRIMARY KEY, user_id bigint REFERENCES users);
CREATE TABLE events (id int, day date, gone timestamp, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE base (id int PRIMARY KEY);
CREATE TABLE sub () INHERITS (base);
CREATE TABLE secret (id int PRIMARY KEY, tenant text);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON secret USING (tenant = current_user);
CREATE TABLE items (id int PRIMARY KEY);
CREATE TABLE locked (id int PRIMARY KEY);
CREATE TABLE bags (id int PRIMARY KEY, tenant text);
ALTER TABLE bags ENABLE ROW LEVEL SECURITY;
CREATE POLICY bag_rows ON bags USING (tenant = current_user);
COMMENT ON COLUMN events.gone IS 'when it ended';
SELECT count(*) FROM softdelete.register('users', retention => '30 days', cascade => true);
SELECT count(*) FROM softdelete.register('notes');
SELECT count(*) FROM softdelete.register('events', deleted_at => 'gone', deleted_by => NULL);
SELECT count(*) FROM softdelete.register('base');
SELECT count(*) FROM softdelete.register('secret');
SELECT count(*) FROM softdelete.register('items', visibility => 'view', active_view => 'Live "items"');
SELECT count(*) FROM softdelete.register('locked', visibility => 'rls', admin_roles => '{pg_monitor}');
GRANT SELECT ON locked, all_locked TO reader, pg_monitor;
SELECT count(*) FROM softdelete.register('bags', strategy => 'archive', admin_roles => '{pg_monitor,reader}');
GRANT SELECT ON bags TO reader;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM users;
CREATE VIEW own AS SELECT u.email, o.id FROM users u JOIN "Q'x"."Order s" o ON o.user_id = u.id;
GRANT SELECT ON active_users, users, secret TO reader;
GRANT SELECT ON SEQUENCE users_id_seq TO reader;
COMMENT ON VIEW active_users IS 'those who are here';
INSERT INTO users (email, manager, code) VALUES ('a', NULL, 1), ('b', 1, 2), ('c', 1, 3), ('d', NULL, 4);
INSERT INTO "Q'x"."Order s" SELECT g, g, 'note ' || g FROM generate_series(1, 4) g;
INSERT INTO notes VALUES (1, 4);
INSERT INTO plain VALUES (1, 4);
INSERT INTO events VALUES (1, '2026-01-05'), (2, '2026-02-05'), (3, '2026-02-06');
INSERT INTO base VALUES (1), (2);
INSERT INTO sub VALUES (3), (4);
INSERT INTO secret VALUES (1, 'keeper'), (2, 'reader');
INSERT INTO items VALUES (1), (2);
INSERT INTO locked VALUES (1), (2);
INSERT INTO bags VALUES (1, 'keeper'), (2, 'reader'), (3, 'reader');
DELETE FROM "Q'x"."Order s" WHERE id = 3;
SET softdelete.actor = 'o''neill';
SET softdelete.reason = E'why\\ not\n\t';
DELETE FROM users WHERE id = 1;
INSERT INTO users (email, code) VALUES ('a', 1);
DELETE FROM users WHERE email = 'a';
DELETE FROM events WHERE id = 2;
DELETE FROM base WHERE id IN (1, 3);
DELETE FROM secret WHERE id = 1;
DELETE FROM items WHERE id = 1;
DELETE FROM locked WHERE id = 1;
DELETE FROM bags WHERE id < 3;
REFRESH MATERIALIZED VIEW counted;
SELECT softdelete.undo(id) FROM softdelete.deletions WHERE relation = 'items'::regclass;
SQL

# Statements and their results as the database stands.
our $behaviour = <<'SQL';
\set VERBOSITY sqlstate
SELECT 'in the bin', id, relation, deleted_by, reason, rows FROM softdelete.deletions WHERE restored_at IS NULL ORDER BY id;
SELECT 'undone', softdelete.undo(2);
SELECT 'live', id, email FROM users ORDER BY id;
DELETE FROM users WHERE id = 2 RETURNING 'next id', deletion_id;
SELECT 'cascaded', id FROM "Q'x"."Order s" WHERE deleted_at IS NOT NULL ORDER BY id;
SELECT 'restored', softdelete.restore('users', 2);
INSERT INTO "Q'x"."Order s" VALUES (9, 5);
INSERT INTO plain VALUES (9, 5);
INSERT INTO users (email, code) VALUES ('a', 9);
BEGIN; DELETE FROM users WHERE id = 4; COMMIT;
DELETE FROM users WHERE deleted_at IS NOT NULL;
TRUNCATE events;
DELETE FROM events_2 WHERE id = 3 RETURNING 'in a partition', gone IS NOT NULL;
DELETE FROM sub RETURNING 'in a child', id;
SELECT 'rows', (SELECT count(*) FROM all_events), (SELECT count(*) FROM all_base), (SELECT count(*) FROM all_users);
SELECT 'view', id FROM "Live ""items""" ORDER BY id;
SELECT 'admins', admin_roles FROM softdelete.tables WHERE relation = 'locked'::regclass;
SELECT 'admins of archive', admin_roles FROM softdelete.tables WHERE relation = 'bags'::regclass;
SELECT 'owner sees', count(*) FROM all_locked;
SELECT 'owner sees archived', id, deleted_at IS NULL FROM all_bags ORDER BY id;
SET ROLE reader;
SELECT 'reader sees', count(*) FROM all_locked;
SELECT 'reader sees archived', id, deleted_at IS NULL FROM all_bags ORDER BY id;
RESET ROLE;
SELECT 'archive restored', softdelete.restore('bags', 2);
SELECT 'repair', * FROM unnest('{users,notes,events,base,secret,items,locked,bags}'::regclass[]) t, LATERAL softdelete.repair(t);
SELECT 'unregistered', count(*) > 0 FROM softdelete.unregister('users', 'purge');
SELECT 'unregistered', count(*) > 0 FROM softdelete.unregister('events', 'purge');
SELECT indexdef FROM pg_indexes WHERE tablename = 'events' ORDER BY 1;
SQL

# What they answer in a database, errors by their SQLSTATE.
sub behaviour_of
{
	my ($node, $database) = @_;
	my ($out, $errors) = ('', '');
	$node->psql($database, $behaviour, stdout => \$out, stderr => \$errors, on_error_stop => 0,
		extra_params => [ '-U', 'keeper' ]);
	return "$out\n" . join("\n", $errors =~ /ERROR:\s+(\w+)/g);
}

# What pg_dump writes of a database.
sub dump_of
{
	my ($node, $database, @options) = @_;
	my ($out, $errors) = ('', '');
	IPC::Run::run([ 'pg_dump', '-d', $node->connstr($database), @options ], '>', \$out, '2>', \$errors) or die $errors;
	return $out =~ s/^\\(un)?restrict .*$//mgr;
}

1;
