-- What register(), plan(), configure(), repair() and unregister() return: one row per object, warnings first and to the
-- client as well, a command that can be read.
CREATE ROLE regress_steps_owner;
CREATE ROLE regress_steps_support;
CREATE SCHEMA regress_steps AUTHORIZATION regress_steps_owner;
SET SESSION AUTHORIZATION regress_steps_owner;
SET search_path = regress_steps;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, name text);
CREATE INDEX users_name_idx ON users (name);
COMMENT ON INDEX users_name_idx IS 'by name';
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users ON DELETE CASCADE);
CREATE INDEX posts_user_id_idx ON posts (user_id);

-- As a person sees it.
\pset columns 100
\pset format wrapped
SELECT step, object, action, online, command FROM softdelete.plan('users', retention => '90 days');
\pset format aligned
SELECT step, relation, object, action, online FROM softdelete.plan('users', retention => '90 days', cascade => true);

-- plan() and register() agree, but for CONCURRENTLY.
BEGIN;
CREATE TEMP TABLE planned AS SELECT * FROM softdelete.plan('users', retention => '90 days', cascade => true);
CREATE TEMP TABLE taken AS SELECT * FROM softdelete.register('users', retention => '90 days', cascade => true);
SELECT step, object, planned.action, taken.action FROM planned FULL JOIN taken USING (step, relation, object, online)
    WHERE planned.action IS DISTINCT FROM taken.action
       OR replace(regexp_replace(planned.command, '\s+', ' ', 'g'), ' CONCURRENTLY', '')
          IS DISTINCT FROM regexp_replace(taken.command, '\s+', ' ', 'g');
ROLLBACK;

-- No object has two rows, an online step is one statement, and no line is long.
CREATE FUNCTION faults(steps text) RETURNS TABLE (fault text, object text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'CREATE TEMP TABLE found AS ' || steps;
    RETURN QUERY SELECT 'twice', f.object FROM found f WHERE f.action <> 'warning' GROUP BY f.relation, f.object HAVING count(*) > 1;
    RETURN QUERY SELECT 'several statements', f.object FROM found f WHERE f.online AND f.command LIKE '%;%';
    RETURN QUERY SELECT 'unknown action', f.object FROM found f
        WHERE f.action NOT IN ('warning', 'create', 'adopt', 'replace', 'alter', 'drop', 'keep');
    RETURN QUERY SELECT 'long line: ' || l, f.object FROM found f, regexp_split_to_table(f.command, '\n') l
        WHERE length(l) > 90 AND l !~ '^ *(IS )?''';
    RETURN QUERY SELECT 'warning behind others', f.object FROM found f
        WHERE f.action = 'warning' AND f.step > (SELECT min(step) FROM found WHERE action <> 'warning');
    RETURN QUERY SELECT 'online behind others', f.object FROM found f
        WHERE f.online AND f.step > (SELECT min(step) FROM found WHERE NOT online AND action <> 'warning');
    RETURN QUERY SELECT 'drop that is called ' || f.action, f.object FROM found f
        WHERE f.command ~ '^DROP' AND f.command !~ ';' AND f.action <> 'drop';
    DROP TABLE found;
END $$;
SELECT * FROM faults($$SELECT * FROM softdelete.plan('users', retention => '90 days', cascade => true)$$);

-- Run by a tool that keeps nothing of what it prints, one by one; then register() has catalog changes left.
SELECT command FROM softdelete.plan('users', retention => '90 days', cascade => true) WHERE online ORDER BY step \gexec
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = 'users'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NOT NULL;
SELECT object FROM softdelete.plan('users', retention => '90 days', cascade => true) WHERE online;
CREATE TEMP TABLE taken AS SELECT * FROM softdelete.register('users', retention => '90 days', cascade => true);
SELECT * FROM faults('SELECT * FROM taken');
SELECT object, action FROM taken WHERE relation = 'users'::regclass ORDER BY step;
SELECT object, command FROM taken WHERE object = 'comments' AND relation = 'users'::regclass;
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = 'users'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NOT NULL;

-- Each change shows a row, one of settings alone too. Nothing to do, no row.
SELECT object, action, command FROM softdelete.configure('users', admin_roles => '{regress_steps_support}');
SELECT object, action, command FROM softdelete.configure('users', admin_roles => '{}', retention => '60 days');
SELECT object, action, command FROM softdelete.configure('users', indexes => 'all', keep_forever => true);
SELECT * FROM faults($$SELECT * FROM softdelete.configure('users', visibility => 'rls', indexes => 'none')$$);
SELECT * FROM faults($$SELECT * FROM softdelete.configure('users', visibility => 'filter', indexes => 'all')$$);
SELECT count(*) FROM softdelete.configure('users', visibility => 'filter', admin_roles => '{}');
SELECT count(*) FROM softdelete.repair('users');

-- unregister() drops, and takes away what the online steps added.
CREATE TEMP TABLE dropped AS SELECT * FROM softdelete.unregister('posts') UNION ALL SELECT * FROM softdelete.unregister('users');
SELECT relation, object, action FROM dropped WHERE action <> 'replace' ORDER BY relation, step;
SELECT relation, object, command FROM dropped WHERE action = 'replace' ORDER BY relation, step;
SELECT attname FROM pg_attribute WHERE attrelid IN ('users'::regclass, 'posts'::regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid IN ('users'::regclass, 'posts'::regclass) ORDER BY indexrelid::regclass::text;

-- An adopted column stays, the index that an online step made on it goes.
CREATE TABLE letters (id int PRIMARY KEY, deleted_at timestamptz, deleted_by text);
COMMENT ON COLUMN letters.deleted_at IS 'mine';
SELECT command FROM softdelete.plan('letters') WHERE online ORDER BY step \gexec
SELECT count(*) > 0 AS registered FROM softdelete.register('letters');
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'letters'::regclass AND attnum > 0;
SELECT object, action FROM softdelete.unregister('letters') WHERE object ~ 'index|column|comments';
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'letters'::regclass AND attnum > 0 AND NOT attisdropped;

-- A column deletion_id that was there keeps its comment, or has none again.
CREATE TABLE numbered (id int PRIMARY KEY, deletion_id bigint);
SELECT count(*) > 0 AS registered FROM softdelete.register('numbered');
SELECT col_description('numbered'::regclass, 2);
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('numbered');
COMMENT ON COLUMN numbered.deletion_id IS 'a number';
SELECT count(*) > 0 AS registered FROM softdelete.register('numbered');
SELECT col_description('numbered'::regclass, 2);
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('numbered');

-- On partitioned tables online steps attach one index at a time; what is behind them runs in the order of the rows.
CREATE TABLE events (id int, at date, code text, PRIMARY KEY (id, at), UNIQUE (code, at)) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE INDEX events_code_idx ON events (code);
COMMENT ON INDEX events_code_idx IS 'codes';
SELECT relation, object, action, online FROM softdelete.plan('events');
SELECT * FROM faults($$SELECT * FROM softdelete.plan('events')$$);
SELECT * FROM faults($$SELECT * FROM softdelete.register('events')$$);
SELECT * FROM faults($$SELECT * FROM softdelete.unregister('events')$$);
SELECT indexrelid::regclass, obj_description(indexrelid, 'pg_class') FROM pg_index
    WHERE indrelid = 'events'::regclass AND indisvalid ORDER BY indexrelid::regclass::text;

-- Warnings come first, data at risk before what behaves otherwise before what is slow, and reach the client with a hint.
CREATE TABLE parents (code text PRIMARY KEY, number int UNIQUE, is_deleted boolean NOT NULL DEFAULT false);
CREATE TABLE children (id int PRIMARY KEY, parent text REFERENCES parents ON DELETE CASCADE, other int REFERENCES parents (number));
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER audit AFTER DELETE ON parents FOR EACH ROW EXECUTE FUNCTION audit();
INSERT INTO parents VALUES ('a', 1, true), ('b', 2, false), ('c', 3, true);
CREATE TEMP TABLE warned AS SELECT * FROM softdelete.plan('parents');
SELECT step, object, command FROM warned WHERE action = 'warning';
SELECT * FROM faults('SELECT * FROM warned');
SELECT count(*) > 0 AS registered FROM softdelete.register('parents');
SELECT count(*) > 0 AS registered FROM softdelete.register('children');

-- A remark cannot carry a statement: its lines are comments, whatever a name holds.
CREATE TABLE guilty (id int PRIMARY KEY, number int, CONSTRAINT "u
DROP TABLE innocent; --" UNIQUE (number));
SELECT object, command FROM softdelete.plan('guilty') WHERE object = 'ON CONFLICT ON CONSTRAINT';

-- Flags that say beside deleted_at whether a row is deleted, in several spellings; rows that disagree are counted.
CREATE TABLE flags (id int PRIMARY KEY, "isDeleted" boolean, soft_deleted boolean, removed boolean, deleted_flag boolean, is_active boolean,
    deleted int, undeleted boolean, deleted_at timestamptz);
INSERT INTO flags (id, "isDeleted", removed, deleted_at) VALUES (1, true, true, now()), (2, false, false, NULL), (3, true, true, now()), (4, NULL, true, NULL), (5, false, NULL, now());
SELECT object, command FROM softdelete.plan('flags') WHERE action = 'warning' AND object LIKE 'column%';
