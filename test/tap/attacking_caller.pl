# Nobody gets more than he had. A caller whose search_path comes first and holds a trap for every name of the server's, and
# an owner whose tables are full of traps: every statement kind and every function of the extension, called by the attacker
# himself, by a superuser, by a member of the owner's role, by the worker and by what pg_cron runs. No trap runs as another role than
# the one that set it. A function of the extension that is not called here fails the test.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Traps;

chomp(my $libraries = `$ENV{BINDIR}/pg_config --pkglibdir`);
my $has_cron = -e "$libraries/pg_cron.so";
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', $has_cron ? "shared_preload_libraries = 'softdelete,pg_cron'
cron.database_name = 'attacked'" : "shared_preload_libraries = 'softdelete'");
$node->append_conf(
	'postgresql.conf', q{
max_worker_processes = 20
max_prepared_transactions = 5
track_functions = all
softdelete.worker_interval = '1s'
});
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE attacked');
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $sent = '';    # all statements, for the coverage at the end

# Runs a script as a role. Each statement has to get through, or to fail with an error that is expected.
sub run
{
	my ($name, $role, $sql, $expected) = @_;
	$sent .= $sql;
	my $stderr;
	$node->psql('attacked', $sql, on_error_stop => 0, stderr => \$stderr, extra_params => [ '-U', $role ]);
	my %known = map { $_ => 1 } @{ $expected // [] };
	is(join("\n", grep { !$known{$_} } $stderr =~ /(?:ERROR|FATAL):  (.*)/g), '', "$name: runs");
	is(Traps::sightings($node), '', "$name: no trap runs as somebody else");
}

# The same on an owner's tables, each statement in a session of its own, which has to look at indexes and constraints anew,
# and in which no trap leaves anything behind.
sub run_each
{
	my ($role, @statements) = @_;
	run("owner's traps: $_", $role, qq{SET search_path = eve, pg_catalog, shop;\n$_;\n} . <<'SQL') for @statements;
DO $$ BEGIN
	IF current_setting('search_path') <> 'eve, pg_catalog, shop' OR current_setting('lock_timeout') <> '0' THEN
		RAISE 'a trap has left settings';
	ELSIF to_regclass('pg_temp.registration') IS NOT NULL THEN
		RAISE 'a trap has left a temporary table';
	END IF;
END $$;
SQL
}

$node->safe_psql('attacked', q{
	CREATE EXTENSION softdelete;
	CREATE ROLE mallory LOGIN;
	CREATE ROLE alice LOGIN;
	CREATE ROLE eve LOGIN;
	CREATE ROLE member LOGIN IN ROLE alice, eve;
	CREATE SCHEMA shop AUTHORIZATION alice;
	GRANT USAGE ON SCHEMA shop TO PUBLIC;
	GRANT CREATE ON SCHEMA shop TO mallory;
	GRANT CREATE ON DATABASE attacked TO mallory;
});
$node->safe_psql('attacked', 'CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO mallory') if $has_cron;
run('traps are set', $superuser, Traps::schema_of_traps('mallory'));

# The spies are awake.
$node->safe_psql('attacked', 'SET search_path = mallory, pg_catalog; SELECT 1 + 1');
is(Traps::sightings($node), "operator integer + integer of mallory runs as $superuser (session of $superuser)", 'a spy tells of a superuser');

#
# An attacking caller: his path comes first.
#
run('the tables', 'alice', <<'SQL');
SET search_path = shop;
CREATE TABLE parents (id int PRIMARY KEY, email text UNIQUE, n int);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE TABLE grandchildren (id int PRIMARY KEY, child int REFERENCES children ON DELETE CASCADE);
CREATE TABLE notes (id int PRIMARY KEY, parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE keepers (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE SET NULL);
CREATE TABLE words (word varchar(20), lang "char", PRIMARY KEY (word, lang));
CREATE TABLE uses (word varchar(20), lang "char", n int, FOREIGN KEY (word, lang) REFERENCES words ON DELETE CASCADE);
CREATE TABLE parts (id int PRIMARY KEY, at timestamptz DEFAULT now()) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
CREATE TABLE pieces (id int PRIMARY KEY, part int REFERENCES parts ON DELETE CASCADE);
CREATE TABLE locked (id int PRIMARY KEY, v text);
CREATE TABLE shelved (id int PRIMARY KEY, v text, up int REFERENCES shelved ON DELETE CASCADE);
CREATE TABLE shelved_parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE shelved_part PARTITION OF shelved_parts DEFAULT;
CREATE INDEX ON children (parent);
CREATE INDEX ON uses (word, lang);
SELECT count(*) FROM softdelete.register('parents', retention => '1 day', cascade => true);
SELECT count(*) FROM softdelete.register('notes');
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS 'BEGIN RETURN new; END';
CREATE TRIGGER fill BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION fill();
SELECT count(*) FROM softdelete.register('keepers');
SELECT count(*) FROM softdelete.register('words', cascade => true, deleted_by => NULL);
SELECT count(*) FROM softdelete.register('parts', cascade => true);
SELECT count(*) FROM softdelete.register('locked', visibility => 'rls', admin_roles => '{member}');
SELECT softdelete.track_history('children');
SELECT count(*) FROM softdelete.register('shelved', strategy => 'archive', cascade => true);
SELECT count(*) FROM softdelete.register('shelved_parts', strategy => 'archive');
INSERT INTO shelved SELECT i, 'v', nullif(i / 2, 0) FROM generate_series(1, 20) i;
INSERT INTO shelved_parts SELECT i, 'v' FROM generate_series(1, 20) i;
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRUNCATE, TRIGGER ON ALL TABLES IN SCHEMA shop TO mallory;
INSERT INTO parents SELECT i, 'e' || i, i FROM generate_series(1, 60) i;
INSERT INTO children SELECT i, i FROM generate_series(1, 60) i;
INSERT INTO grandchildren SELECT i, i FROM generate_series(1, 60) i;
INSERT INTO words SELECT 'w' || i, 'x' FROM generate_series(1, 20) i;
INSERT INTO uses SELECT 'w' || i, 'x', i FROM generate_series(1, 20) i;
INSERT INTO parts SELECT i FROM generate_series(1, 199) i;
INSERT INTO pieces SELECT i, i FROM generate_series(1, 199) i;
INSERT INTO locked SELECT i, 'v' FROM generate_series(1, 20) i;
SQL

my $path = 'SET search_path = mallory, pg_catalog, shop;';
run('statements on tables of others', 'mallory', $path . <<'SQL', [
SELECT count(*) FROM shop.parents;
SELECT p.id FROM shop.parents p LEFT JOIN shop.children c ON c.parent = p.id WHERE p.id IN (1, 2) ORDER BY p.email;
INSERT INTO shop.parents VALUES (101, 'x', 1), (102, 'y', 2);
INSERT INTO shop.parents VALUES (103, 'x', 9) ON CONFLICT (email) DO UPDATE SET n = excluded.n;
INSERT INTO shop.parents VALUES (101, 'z', 9) ON CONFLICT DO NOTHING;
INSERT INTO shop.children VALUES (101, 101), (102, 102);
INSERT INTO shop.notes VALUES (1, 101);
INSERT INTO shop.notes (id, deleted_at) VALUES (9, now());
INSERT INTO shop.keepers VALUES (1, 101), (2, 102);
INSERT INTO shop.pieces VALUES (201, 101), (202, 7);
DELETE FROM shop.parents WHERE id = 1 RETURNING id, email, deleted_at, deleted_by;
DELETE FROM shop.parents p USING shop.children c WHERE c.parent = p.id AND p.id BETWEEN 2 AND 4;
WITH gone AS (DELETE FROM shop.parents WHERE email = 'e5' RETURNING id) SELECT * FROM gone;
BEGIN; DECLARE c CURSOR FOR SELECT * FROM shop.parents WHERE id = 6 FOR UPDATE; FETCH c; DELETE FROM shop.parents WHERE CURRENT OF c; COMMIT;
MERGE INTO shop.parents p USING (VALUES (7), (8)) v (id) ON v.id = p.id WHEN MATCHED THEN DELETE;
PREPARE gone (int) AS DELETE FROM shop.parents WHERE id = $1;
EXECUTE gone (9); EXECUTE gone (10); EXECUTE gone (11); EXECUTE gone (12); EXECUTE gone (13); EXECUTE gone (14); EXECUTE gone (15);
DO $$ BEGIN DELETE FROM shop.parents WHERE id = 16; IF EXISTS (SELECT FROM shop.parents WHERE id = 16) THEN RAISE 'not deleted'; END IF; END $$;
BEGIN; SAVEPOINT s; DELETE FROM shop.parents WHERE id = 17; ROLLBACK TO s; DELETE FROM shop.parents WHERE id = 18; COMMIT;
DELETE FROM shop.words WHERE word = 'w1';
DELETE FROM shop.parts WHERE id IN (1, 101);
DELETE FROM shop.parts_1 WHERE id = 2;
DELETE FROM shop.locked WHERE id = 1;
DELETE FROM shop.shelved WHERE id = 16 RETURNING v;
DELETE FROM shop.shelved WHERE id = 4;
DELETE FROM shop.shelved_parts WHERE id < 3;
DELETE FROM shop.shelved_part WHERE id = 3;
UPDATE shop.parents SET n = n + 1 WHERE id = 20;
UPDATE shop.parents SET deleted_at = now() WHERE id = 21;
UPDATE shop.parents SET deleted_at = CURRENT_TIMESTAMP, deleted_by = 'me' WHERE id = 22;
SELECT id FROM shop.parents WHERE deleted_at IS NOT NULL ORDER BY deleted_at, id;
SELECT id FROM shop.parents WHERE deleted_at > '2020-01-01';
SELECT id FROM shop.parents p WHERE softdelete.include_deleted(p.deleted_at);
UPDATE shop.parents SET deleted_at = NULL WHERE id = 21;
UPDATE shop.children SET deleted_at = NULL WHERE id = 21;
UPDATE shop.parents SET deleted_at = NULL;
UPDATE shop.children SET deleted_at = NULL;
UPDATE shop.words SET deleted_at = NULL;
UPDATE shop.uses SET deleted_at = NULL;
UPDATE shop.parts SET deleted_at = NULL WHERE id = 1;
UPDATE shop.pieces SET deleted_at = NULL, deleted_by = NULL WHERE part = 1;
UPDATE shop.locked SET deleted_at = NULL;
UPDATE shop.children SET parent = 30 WHERE id = 31;
UPDATE shop.all_parents SET deleted_at = NULL WHERE id = 1;
UPDATE shop.parents p SET n = c.id FROM shop.children c WHERE c.parent = p.id AND p.id = 23 RETURNING p.n, c.*;
INSERT INTO shop.keepers SELECT 200 + id, id FROM shop.parents WHERE id BETWEEN 50 AND 52;
MERGE INTO shop.parents p USING (VALUES (24), (401)) v (id) ON v.id = p.id WHEN MATCHED THEN UPDATE SET n = 0 WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'm', 1);
SELECT p.id FROM shop.parents p JOIN shop.children c ON c.parent = p.id WHERE p.id = 24 FOR UPDATE OF p FOR SHARE OF c;
SELECT count(*) FROM shop.deleted_parents; SELECT count(*) FROM shop.all_words; TABLE shop.active_parts;
BEGIN; DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT id FROM shop.parents ORDER BY id; FETCH LAST FROM h; COMMIT; FETCH FIRST FROM h; CLOSE h;
CREATE TEMPORARY TABLE taken AS SELECT * FROM shop.parents; DROP TABLE taken;
CREATE FUNCTION mallory.definer() RETURNS pg_catalog.int8 LANGUAGE sql SECURITY DEFINER SET search_path = mallory, pg_catalog, shop
	AS 'WITH gone AS (DELETE FROM shop.children WHERE id = 26 RETURNING 1) SELECT count(*) FROM gone';
SELECT mallory.definer();
DELETE FROM shop.active_parents WHERE id = 25;
COPY shop.parents TO STDOUT;
COPY (SELECT id FROM shop.parents) TO STDOUT;
COPY shop.parents (id, email, deleted_at) FROM STDIN;
301	c1	\N
302	c2	2020-01-01
\.
BEGIN; SET CONSTRAINTS ALL IMMEDIATE; INSERT INTO shop.notes VALUES (3, 30); COMMIT;
BEGIN; INSERT INTO shop.notes VALUES (4, 33); DELETE FROM shop.notes WHERE id = 4; DELETE FROM shop.parents WHERE id = 33; COMMIT;
BEGIN; INSERT INTO shop.notes VALUES (5, 34); DELETE FROM shop.parents WHERE id = 34; COMMIT;
BEGIN; DELETE FROM shop.parents WHERE id = 35; PREPARE TRANSACTION 'mallory'; COMMIT PREPARED 'mallory';
BEGIN ISOLATION LEVEL REPEATABLE READ; DELETE FROM shop.parents WHERE id = 36; UPDATE shop.parents SET deleted_at = NULL WHERE id = 36; COMMIT;
SET softdelete.visibility = 'all'; SELECT count(*) FROM shop.parents; SET softdelete.visibility = 'deleted'; SELECT count(*) FROM shop.parents; RESET softdelete.visibility;
SET softdelete.actor = 'm'; SET softdelete.reason = 'r'; DELETE FROM shop.parents WHERE id = 37; RESET softdelete.actor; RESET softdelete.reason;
EXPLAIN (VERBOSE, COSTS OFF) DELETE FROM shop.parents WHERE id = 38;
TRUNCATE shop.parents CASCADE;
LOCK TABLE shop.parents;
INSERT INTO shop.children VALUES (501, 37);
SELECT set_config('search_path', 'mallory, pg_catalog, shop', false);
SQL
	'insert or update on table "notes" violates foreign key constraint "notes_parent_fkey"',
	'cannot truncate registered table "parents"',
	'LOCK TABLE can only be used in transaction blocks',
	'insert or update on table "children" violates foreign key constraint "children_parent_fkey"' ]);

run('functions on tables of others', 'mallory', $path . <<'SQL', [
SELECT softdelete.delete('shop.parents', 40) AS d \gset
SELECT * FROM softdelete.conflicts(:d);
SELECT softdelete.undo(:d);
SELECT softdelete.delete('shop.words', 'w3', 'x') IS NOT NULL;
SELECT softdelete.restore('shop.words', 'w3', 'x');
SELECT softdelete.delete('shop.parts', VARIADIC key => ARRAY['50']) IS NOT NULL;
SELECT softdelete.restore('shop.parts', VARIADIC key => ARRAY['50']);
SELECT softdelete.erase('shop.shelved', 'why', 5);
SELECT softdelete.hold('shop.shelved', 'why', 5);
SELECT softdelete.anonymize('shop.shelved', 'why', 5);
SELECT softdelete.set_anonymizer('shop.shelved', 'v', 'NULL');
SELECT softdelete.preview('shop.shelved', 5);
SELECT softdelete.delete('shop.shelved', 5) AS d \gset
SELECT softdelete.conflicts(:d);
SELECT softdelete.restore('shop.shelved', 5);
SELECT softdelete.delete('shop.shelved', 6) AS d \gset
SELECT softdelete.undo(:d);
SELECT softdelete.delete('shop.locked', 7) IS NOT NULL;
SELECT softdelete.undo((SELECT max(id) FROM softdelete.deletions));
SELECT softdelete.delete('shop.locked', 7) IS NOT NULL;
SELECT * FROM softdelete.undo_preview((SELECT max(id) FROM softdelete.deletions));
SELECT * FROM softdelete.undo_preview(relation => 'shop.locked', since => '2000-01-01');
SELECT * FROM softdelete.undo_preview(actor => 'mallory', since => '2000-01-01', relation => 'shop.locked', until => 'infinity');
SELECT softdelete.undo(relation => 'shop.locked', since => '2000-01-01');
SELECT softdelete.delete('shop.locked', 7) IS NOT NULL;
SELECT softdelete.undo(actor => 'mallory', since => '2000-01-01', relation => 'shop.locked', until => 'infinity');
SELECT * FROM softdelete.preview('shop.parents', 41);
SELECT * FROM softdelete.preview_tree('shop.parents', 41);
SELECT softdelete.cascade_graph('shop.parents');
SELECT * FROM softdelete.purge_preview();
SELECT count(*) FROM softdelete.check();
SELECT count(*) FROM softdelete.check('shop.parents');
SELECT count(*) FROM softdelete.stats;
SELECT count(*) FROM softdelete.tables;
SELECT * FROM softdelete.deletions;
SELECT * FROM softdelete.purge_log;
SELECT count(*) FROM softdelete.holds;
SELECT count(*) FROM softdelete.erasure_log;
SELECT * FROM softdelete.register('shop.notes');
SELECT * FROM softdelete.configure('shop.parents', retention => '0');
SELECT * FROM softdelete.repair('shop.parents');
SELECT * FROM softdelete.unregister('shop.parents', 'purge');
SELECT softdelete.hold('shop.parents', 'why', 41);
SELECT softdelete.erase('shop.parents', 'why', 41);
SELECT softdelete.anonymize('shop.parents', 'why', 41);
SELECT softdelete.set_anonymizer('shop.parents', 'email', 'NULL');
CALL softdelete.purge('shop.parents');
CALL softdelete.change_strategy('shop.parents', 'archive');
SELECT softdelete.track_history('shop.parents');
SELECT softdelete.untrack_history('shop.parents');
SELECT * FROM softdelete.history_of('shop.children', 1);
SELECT softdelete.history_at('shop.children', pg_catalog.now(), 1);
SELECT * FROM softdelete.history;
SELECT * FROM softdelete_internal.history_entries('shop.children');
INSERT INTO shop.children VALUES (601, 45), (602, 45);
UPDATE shop.children SET parent = 46 WHERE id = 601;
DELETE FROM shop.children WHERE id = 602;
CALL softdelete.purge();
SELECT * FROM softdelete.worker_status;
SELECT * FROM softdelete_internal.worker_entries();
SQL
	('permission denied for view worker_status', 'permission denied for function worker_entries', 'must be owner of table notes', 'permission denied for table shelved', ('must be owner of table shelved') x 4, ('permission denied for the history of table children') x 2, map { "must be owner of table parents" } 1 .. 11) ]);

run('statements on tables of his own', 'mallory', $path . <<'SQL', [
CREATE TABLE shop.mine (id int PRIMARY KEY, name pg_catalog.text UNIQUE, born date, above int REFERENCES shop.mine ON DELETE CASCADE);
CREATE TABLE shop.below (id int PRIMARY KEY, mine int REFERENCES shop.mine ON DELETE CASCADE);
SELECT count(*) FROM softdelete.plan('shop.mine', retention => '1 day', visibility => 'rls', cascade => true);
SELECT count(*) FROM softdelete.register('shop.mine', retention => '1 day', visibility => 'rls', cascade => true);
SELECT count(*) FROM softdelete.configure('shop.mine', retention => '0', visibility => 'filter', indexes => 'unique', admin_roles => '{alice}');
SELECT count(*) FROM softdelete.configure('shop.below', retention => '0');
SELECT count(*) FROM softdelete.repair('shop.mine');
INSERT INTO shop.mine SELECT i, 'n' || i FROM generate_series(1, 20) i;
INSERT INTO shop.below SELECT i, i FROM generate_series(1, 20) i;
DELETE FROM shop.mine WHERE id IN (1, 2, 3);
UPDATE shop.mine SET deleted_at = NULL;
DELETE FROM shop.mine WHERE id <= 8;
DELETE FROM shop.below WHERE deleted_at IS NOT NULL AND id = 4;
DELETE FROM shop.mine WHERE deleted_at IS NOT NULL AND id = 4;
SELECT softdelete.hold('shop.mine', 'a case', 5) AS h \gset
DELETE FROM shop.mine WHERE deleted_at IS NOT NULL AND id = 5;
CALL softdelete.purge('shop.mine');
SELECT softdelete.release(:h);
BEGIN; CALL softdelete.purge('shop.mine', batch_size => 1); COMMIT;
SELECT softdelete.set_anonymizer('shop.mine', 'name', '''n'' || id');
SELECT softdelete.anonymize('shop.mine', 'a wish', 10) IS NOT NULL;
SELECT softdelete.erase('shop.mine', 'a wish', 11) IS NOT NULL;
SELECT count(*) FROM softdelete.configure('shop.mine', on_expiry => 'anonymize');
DELETE FROM shop.mine WHERE id = 12;
CALL softdelete.purge();
SELECT count(*) FROM softdelete.purge_preview('shop.mine');
SELECT count(*) FROM softdelete.check('shop.mine');
SELECT * FROM softdelete.stats('shop.mine');
SELECT * FROM softdelete.stats('shop.mine', exact => true);
SELECT softdelete.schedule('17 3 * * *', 'shop.mine') IS NOT NULL;
CREATE TABLE shop.shelf (id int PRIMARY KEY, name pg_catalog.text, size int GENERATED ALWAYS AS (id + 1) STORED, above int REFERENCES shop.shelf ON DELETE CASCADE);
SELECT count(*) FROM softdelete.register('shop.shelf', strategy => 'archive', retention => '0', all_referencing => true);
INSERT INTO shop.shelf (id, name) SELECT i, 'n' || i FROM generate_series(1, 20) i;
SELECT softdelete.set_anonymizer('shop.shelf', 'name', '''n'' || id');
SELECT softdelete.hold('shop.shelf', 'a case', 1) AS h1 \gset
DELETE FROM shop.shelf WHERE id <= 5;
SELECT softdelete.anonymize('shop.shelf', 'a wish', 2) IS NOT NULL;
SELECT count(*) FROM softdelete.purge_preview('shop.shelf');
CALL softdelete.purge('shop.shelf');
SELECT softdelete.release(:h1);
SELECT count(*) FROM softdelete.configure('shop.shelf', on_expiry => 'anonymize');
CALL softdelete.purge('shop.shelf', batch_size => 1);
SELECT count(*) FROM softdelete.configure('shop.shelf', on_expiry => 'purge');
CALL softdelete.purge('shop.shelf');
DELETE FROM shop.shelf WHERE id = 20;
SELECT count(*) FROM softdelete.configure('shop.shelf', strategy => 'flag');
SELECT count(*) FROM softdelete.configure('shop.shelf', strategy => 'archive');
ALTER TABLE shop.shelf DROP COLUMN above;
DELETE FROM shop.shelf WHERE id > 15;
CALL softdelete.change_strategy('shop.shelf', 'flag', 2);
CALL softdelete.change_strategy('shop.shelf', 'archive', 2, '0');
SELECT softdelete.restore('shop.shelf', 17);
CALL softdelete.change_strategy('shop.shelf', 'archive', 2, delay => '1 ms');
SELECT count(*) FROM softdelete.plan('shop.shelf', strategy => 'flag');
SELECT count(*) FROM softdelete.unregister('shop.shelf', 'purge');
DROP TABLE shop.shelf;
SELECT softdelete.unschedule();
ALTER TABLE shop.mine ADD COLUMN deleted_at pg_catalog.timestamptz;
ALTER TABLE shop.mine ADD COLUMN more int, ADD COLUMN code int UNIQUE, ADD CONSTRAINT even UNIQUE (born) DEFERRABLE;
CREATE VIEW shop.all_mine AS SELECT * FROM shop.mine WHERE softdelete.include_deleted(deleted_at);
CREATE VIEW shop.active_mine AS SELECT * FROM shop.mine WHERE deleted_at IS NULL;
CREATE OR REPLACE VIEW shop.active_mine AS SELECT * FROM shop.mine WHERE deleted_at IS NULL;
CREATE OR REPLACE VIEW shop.active_mine AS SELECT * FROM shop.mine;
ALTER TABLE shop.mine RENAME COLUMN more TO less;
ALTER TABLE shop.mine ALTER COLUMN less TYPE pg_catalog.text;
ALTER TABLE shop.mine DROP COLUMN less;
ALTER TABLE shop.mine DROP COLUMN deletion_id;
CREATE INDEX ON shop.mine (born) WHERE born > '2000-01-01';
CREATE UNIQUE INDEX named ON shop.mine (name, born);
ALTER INDEX shop.named RENAME TO renamed;
DROP INDEX shop.renamed;
ALTER TABLE shop.mine DROP CONSTRAINT even;
CREATE TABLE shop.third (id int PRIMARY KEY, mine int REFERENCES shop.mine);
ALTER TABLE shop.third ADD FOREIGN KEY (id) REFERENCES shop.mine ON DELETE CASCADE NOT VALID;
ALTER TABLE shop.third DROP CONSTRAINT third_id_fkey;
COMMENT ON COLUMN shop.mine.deleted_at IS 'mine';
ALTER TABLE shop.mine ENABLE ROW LEVEL SECURITY;
SELECT count(*) FROM softdelete.configure('shop.mine', visibility => 'rls');
CREATE POLICY p ON shop.mine USING (id > 0);
DROP POLICY p ON shop.mine;
ALTER POLICY softdelete_live ON shop.mine RENAME TO q;
CREATE FUNCTION shop.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER t AFTER DELETE ON shop.mine FOR EACH ROW EXECUTE FUNCTION shop.nothing();
DROP TRIGGER softdelete_marker ON shop.mine;
CREATE RULE r AS ON DELETE TO shop.mine DO INSTEAD NOTHING;
ANALYZE shop.mine; VACUUM shop.mine; REINDEX TABLE shop.mine; CLUSTER shop.mine USING mine_pkey;
CREATE TABLE shop.copied AS SELECT * FROM shop.mine;
CREATE MATERIALIZED VIEW shop.counted AS SELECT count(*) FROM shop.mine;
REFRESH MATERIALIZED VIEW shop.counted;
CREATE TABLE shop.pmine (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE shop.pmine_1 PARTITION OF shop.pmine FOR VALUES FROM (0) TO (10);
SELECT count(*) FROM softdelete.register('shop.pmine', retention => '0');
CREATE TABLE shop.pmine_2 PARTITION OF shop.pmine FOR VALUES FROM (10) TO (20);
INSERT INTO shop.pmine SELECT i, i FROM generate_series(1, 19) i;
DELETE FROM shop.pmine WHERE v IN (2, 12);
ALTER TABLE shop.pmine DETACH PARTITION shop.pmine_2;
ALTER TABLE shop.pmine ATTACH PARTITION shop.pmine_2 FOR VALUES FROM (10) TO (20);
CALL softdelete.purge('shop.pmine');
CREATE TABLE shop.heir () INHERITS (shop.mine);
ALTER TABLE shop.heir NO INHERIT shop.mine;
ALTER TABLE shop.mine SET SCHEMA mallory;
ALTER TABLE mallory.mine SET SCHEMA shop;
ALTER TABLE shop.mine RENAME TO ours;
SELECT count(*) FROM softdelete.unregister('shop.below', 'purge');
SELECT count(*) FROM softdelete.unregister('shop.pmine', 'keep');
DROP TABLE shop.heir, shop.third, shop.below, shop.counted;
DROP MATERIALIZED VIEW shop.counted;
DROP TABLE shop.heir, shop.third, shop.below;
DROP TABLE shop.ours CASCADE;
SQL
	'cannot remove a row of table "mine" that is on hold',
	'cannot replace view "active_mine" of registered table "mine"',
	'cannot drop column "deletion_id" of registered table "mine"',
	'cannot alter policy "softdelete_live" of registered table "mine"',
	'cannot drop trigger "softdelete_marker" of registered table "mine"',
	'cannot replace DELETE on registered table "mine" by rule "r"',
	'"counted" is not a table', $has_cron ? () : 'extension "pg_cron" is not installed in this database' ]);

# A superuser whose path is the attacker's calls functions; so does a member of the owner's role.
for my $caller ($superuser, 'member')
{
	run("functions under the attacker's path, called by $caller", $caller, $path . <<'SQL');
SELECT softdelete.delete('shop.parents', 42) AS d \gset
SELECT softdelete.conflicts(:d);
SELECT softdelete.restore('shop.parents', 42);
SELECT softdelete.undo(:d);
SELECT softdelete.preview('shop.parents', 43);
SELECT softdelete.hold('shop.parents', 'why', 44) AS h \gset
SELECT softdelete.release(:h);
SELECT softdelete.configure('shop.parents', retention => '1 day', indexes => 'unique');
SELECT softdelete.configure('shop.parents', retention => '2 days', indexes => 'all');
SELECT softdelete.repair('shop.parents');
SELECT softdelete.purge_preview();
SELECT softdelete.check();
SELECT softdelete.check('shop.parents');
SELECT softdelete.stats('shop.parents');
SELECT softdelete.stats('shop.parents', exact => true);
CALL softdelete.purge('shop.parents');
BEGIN; CALL softdelete.purge('shop.parents'); COMMIT;
CREATE TABLE shop.another (id int PRIMARY KEY, name pg_catalog.text UNIQUE, v pg_catalog.text);
SELECT softdelete.plan('shop.another');
SELECT softdelete.register('shop.another', retention => '0');
SELECT softdelete.track_history('shop.another', retention => '1 day');
SELECT softdelete.set_anonymizer('shop.another', 'v', 'NULL');
INSERT INTO shop.another VALUES (1, 'a', 'b'), (2, 'c', 'd'), (3, 'e', 'f');
SELECT softdelete.anonymize('shop.another', 'wish', 1);
SELECT softdelete.erase('shop.another', 'wish', 2);
SELECT softdelete.delete('shop.another', 3);
CALL softdelete.change_strategy('shop.another', 'archive', 1);
CALL softdelete.change_strategy('shop.another', 'flag', 1);
SELECT * FROM softdelete.history_of('shop.another', 3);
SELECT softdelete.history_at('shop.another', pg_catalog.clock_timestamp(), 1);
SELECT * FROM softdelete.history;
ALTER TABLE shop.another ADD COLUMN added int;
ALTER TABLE shop.another DROP COLUMN added;
ALTER TABLE shop.another RENAME v TO w;
ALTER TABLE shop.another RENAME w TO v;
CALL softdelete.purge();
SELECT softdelete.untrack_history('shop.another', 'drop');
SELECT softdelete.unregister('shop.another', 'purge');
DROP TABLE shop.another;
SQL
}

#
# An attacking owner: his tables are full of traps. Who looks after them runs none of them as himself.
#
run('traps of an owner are set', $superuser, Traps::tables_of_traps());
$node->safe_psql('attacked', 'UPDATE eve.owed SET id = id WHERE id = 1');
like(Traps::sightings($node), qr/^expression of eve runs as \Q$superuser\E .*^trigger after_row AFTER UPDATE of owed of eve runs as \Q$superuser\E /ms, 'a spy tells of a superuser');
my $event_triggers = join '', map { "CREATE EVENT TRIGGER trap_$_ ON $_ EXECUTE FUNCTION eve.trap_command();\n" }
  qw(ddl_command_start ddl_command_end sql_drop table_rewrite);
my $drop_event_triggers = join '', map { "DROP EVENT TRIGGER trap_$_;\n" } qw(ddl_command_start ddl_command_end sql_drop table_rewrite);

for my $caller ($superuser, 'member')
{
	run('event triggers are set', $superuser, $event_triggers);
	run_each($caller,
		q{SELECT softdelete.plan('eve.parents', deleted_at => 'gone_at', cascade => true, retention => '1 day')},
		q{SELECT softdelete.register('eve.parents', deleted_at => 'gone_at', retention => '1 day')},
		q{SELECT softdelete.register('eve.children', retention => '1 day', visibility => 'rls')},
		q{SELECT softdelete.register('eve.readers')},
		q{SELECT softdelete.register('eve.owed')},
		q{SELECT softdelete.register('eve.slices', retention => '0')},
		q{SELECT softdelete.configure('eve.parents', indexes => 'unique')},
		q{SELECT softdelete.configure('eve.parents', indexes => 'all', visibility => 'rls')},
		q{SELECT softdelete.configure('eve.parents', visibility => 'filter')},
		q{SELECT softdelete.repair('eve.parents')},
		q{SELECT softdelete.repair('eve.slices')},
		q{SELECT softdelete.set_anonymizer('eve.parents', 'email', 'eve.trap(''gone''::pg_catalog.text)')},
		q{SELECT softdelete.set_anonymizer('eve.children', 'name', '''x'' || id')},
		q{SELECT softdelete.track_history('eve.parents')},
		q{SELECT softdelete.track_history('eve.children', retention => '1 day')},
		q{SELECT softdelete.track_history('eve.slices')});
	run('the owner deletes', 'eve', <<'SQL');
SET search_path = eve, pg_catalog;
DELETE FROM parents WHERE (id).a IN (1, 2, 3, 4, 5, 6);
DELETE FROM children WHERE id IN (11, 12);
DELETE FROM slices WHERE id <= 20;
SQL
	run_each($caller,
		q{SELECT softdelete.preview('eve.parents', '(10,p)')},
		# whom the policies bind reads by them as by a SELECT
		$caller eq 'member' ? () : q{SELECT softdelete.preview('eve.slices', 30)},
		q{SELECT softdelete.conflicts((SELECT pg_catalog.max(id) FROM softdelete.deletions))},
		$caller eq 'member' ? () : q{SELECT pg_catalog.count(rows) FROM softdelete.deletions},
		q{SELECT softdelete.restore('eve.children', 12)},
		q{SELECT softdelete.restore('eve.parents', '(6,p)')},
		q{SELECT softdelete.delete('eve.parents', '(6,p)')},
		q{BEGIN; SELECT softdelete.undo((SELECT pg_catalog.max(id) FROM softdelete.deletions)); COMMIT},
		q{SELECT * FROM softdelete.preview_tree('eve.children', 13)},
		q{SELECT softdelete.cascade_graph('eve.parents')},
		q{SELECT softdelete.delete('eve.children', 13)},
		q{SELECT * FROM softdelete.undo_preview(relation => 'eve.children', since => '-infinity')},
		q{BEGIN; SELECT softdelete.undo(relation => 'eve.children', since => '-infinity'); COMMIT},
		q{SELECT softdelete.delete('eve.children', 12)},
		q{SELECT * FROM softdelete.history_of('eve.parents', '(6,p)')},
		q{SELECT softdelete.history_at('eve.parents', pg_catalog.clock_timestamp(), '(6,p)')},
		q{SELECT * FROM softdelete.history},
		q{SELECT softdelete.hold('eve.parents', 'why', '(1,p)')},
		q{SELECT softdelete.hold('eve.children', 'why', 12)},
		q{SELECT softdelete.purge_preview()},
		q{SELECT softdelete.check()},
		q{SELECT softdelete.check('eve.parents')},
		q{SELECT softdelete.check('eve.children')},
		q{SELECT softdelete.configure('eve.parents', retention => '0')},
		q{SELECT softdelete.configure('eve.children', retention => '0')},
		q{CALL softdelete.purge('eve.parents')},
		q{BEGIN; CALL softdelete.purge('eve.slices'); COMMIT},
		q{CALL softdelete.purge(batch_size => 2)},
		q{SELECT softdelete.release(id) FROM softdelete.holds WHERE released_at IS NULL},
		q{CALL softdelete.purge()},
		q{SELECT softdelete.erase('eve.parents', 'wish', '(7,p)')},
		q{BEGIN; SELECT softdelete.erase('eve.children', 'wish', 20); COMMIT},
		q{SELECT softdelete.anonymize('eve.parents', 'wish', '(8,p)')},
		q{SELECT softdelete.anonymize('eve.children', 'wish', 9)},
		q{SELECT softdelete.configure('eve.parents', on_expiry => 'anonymize')});
	run_each($caller, map { "SELECT softdelete.untrack_history('eve.$_', 'drop')" } qw(parents children slices));
	run('the owner deletes', 'eve', "SET search_path = eve, pg_catalog; DELETE FROM parents WHERE (id).a = 9; DELETE FROM slices WHERE id > 45");
	run_each($caller,
		q{CALL softdelete.purge()},
		q{SELECT softdelete.unregister('eve.slices', 'purge')},
		q{SELECT softdelete.unregister('eve.owed', 'purge')},
		q{SELECT softdelete.unregister('eve.readers', 'keep')},
		q{SELECT softdelete.unregister('eve.children', 'purge')},
		q{SELECT softdelete.unregister('eve.parents', 'keep')});
	run('event triggers go', $superuser, $drop_event_triggers);
	run('the owner fills the tables again', 'eve', <<'SQL');
SET search_path = eve, pg_catalog;
DELETE FROM readers; DELETE FROM owed; DELETE FROM children; DELETE FROM parents; DELETE FROM slices;
DO $$ DECLARE c record; BEGIN
	FOR c IN SELECT attrelid::regclass AS t, attname AS a FROM pg_attribute
		WHERE attname IN ('deleted_at', 'deleted_by', 'deletion_id') AND NOT attisdropped
		  AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'eve'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition)
	LOOP
		EXECUTE format('ALTER TABLE %s DROP COLUMN %I', c.t, c.a);
	END LOOP;
END $$;
INSERT INTO parents (id, name) SELECT row(i, 'p')::pair, 'p' || i FROM generate_series(1, 30) i;
INSERT INTO children SELECT i, row(i, 'p')::pair, 'c' || i FROM generate_series(1, 30) i;
INSERT INTO owed SELECT i, row(i, 'p')::pair FROM generate_series(1, 30) i;
INSERT INTO slices SELECT i, 's' FROM generate_series(1, 50) i;
SQL
}

# The worker, and a job of pg_cron, which run as a superuser.
run('what the worker finds', 'eve', <<'SQL');
SET search_path = eve, pg_catalog;
SELECT count(*) FROM softdelete.register('slices', retention => '0');
DELETE FROM slices WHERE id <= 10;
SQL
$node->append_conf('postgresql.conf', q{softdelete.worker_databases = 'attacked'});
$node->reload;
ok($node->poll_query_until('attacked', 'SELECT count(*) = 0 FROM eve.deleted_slices'), 'the worker purges');
$node->append_conf('postgresql.conf', q{softdelete.worker_databases = ''});
$node->restart;    # so that no worker under way takes what the job is to find
is(Traps::sightings($node), '', "the worker: no trap runs as somebody else");
SKIP:
{
	skip 'pg_cron is not installed', 9 unless $has_cron;
	run('a job', $superuser, q{SELECT softdelete.schedule('17 3 * * *', 'eve.slices');});
	run('what the job finds', 'eve', 'SET search_path = eve, pg_catalog; DELETE FROM slices WHERE id <= 20');
	my ($role, $command) = split /\|/, $node->safe_psql('attacked', 'SELECT username, command FROM cron.job');
	run("what the job runs, as $role", $role, $command);
	is($node->safe_psql('attacked', 'SELECT count(*) FROM eve.deleted_slices'), 0, 'the job purges');
	run('the job ends', $superuser, 'SELECT softdelete.unschedule();');
}

# Internal functions that nothing calls by itself.
my $internal = $node->safe_psql('attacked', q{SELECT pronamespace::regnamespace FROM pg_proc WHERE proname = 'is_purging'});
run('internal functions', 'mallory', $path . "SELECT $internal.is_purging('shop.parents'), $internal.sees_deleted('shop.locked');");

# What Citus sends to shards is nobody's to send.
my @refusals = ((map { "permission denied for function $_" } qw(token adopt_deletion adopted_time adopted_actor deletion_time)),
	'permission denied to delete rows by a plan that softdelete has not made');
for my $role ('mallory', $superuser)
{
	run("functions for shards, as $role", $role, $path . <<"SQL", \@refusals);
SELECT $internal.token('shop.parents');
SELECT $internal.as_deletion(deleted_at, 'a token') FROM shop.parents;
SELECT $internal.adopt_deletion('shop.parents', 'a token');
SELECT $internal.adopted_time('a token');
SELECT $internal.adopted_actor(NULL::text, 1, 'a token');
SELECT $internal.deletion_time();
SQL
}

# Every function of the extension was called here: by name, or the server has counted a call of it. Left out are the guards,
# which refuse whatever calls them, and what DROP EXTENSION calls, which comes last.
is( $node->safe_psql('attacked', q{
	SELECT string_agg(p.oid::regprocedure::text, ', ' ORDER BY 1)
	FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
	WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'softdelete')
	  AND NOT EXISTS (SELECT FROM pg_stat_user_functions s WHERE s.funcid = p.oid AND s.calls > 0)
	  AND p.proname <> ALL (ARRAY(SELECT (regexp_matches($sent$} . $sent . q{$sent$, 'softdelete(?:_internal)?\.(\w+)\(', 'g'))[1]))
	  AND p.proname <> ALL ('{on_truncate,on_update,on_drop_extension,on_history_truncate,on_kept_table}')}),
	'', 'no function of the extension is left out');
run('the end', $superuser, $path . 'DROP EXTENSION softdelete CASCADE;');

$node->stop;
done_testing();
