-- One call adopts a table: register() does everything and returns every step that it took.
CREATE ROLE regress_register_owner;
CREATE ROLE regress_register_other;
CREATE SCHEMA regress_register AUTHORIZATION regress_register_owner;
SET SESSION AUTHORIZATION regress_register_owner;
SET search_path = regress_register;
GRANT USAGE, CREATE ON SCHEMA regress_register TO regress_register_other;
\pset format unaligned
CREATE VIEW columns AS
    SELECT attrelid::regclass AS relation, attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
    FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum;
CREATE VIEW indexes AS
    SELECT indrelid::regclass AS relation, pg_get_indexdef(indexrelid) FROM pg_index
    ORDER BY indrelid, indexrelid::regclass::text COLLATE "C";
CREATE VIEW triggers AS
    SELECT tgrelid::regclass AS relation, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal
    ORDER BY tgrelid, tgname;

-- A table of the plainest kind.
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number text UNIQUE, total numeric);
CREATE INDEX orders_total_idx ON orders (total);
SELECT * FROM softdelete.register('orders', retention => '90 days');
SELECT attname, format_type, col_description FROM columns WHERE relation = 'orders'::regclass;
SELECT pg_get_indexdef FROM indexes WHERE relation = 'orders'::regclass;
SELECT tgname, tgenabled FROM triggers WHERE relation = 'orders'::regclass;
SELECT relation, strategy, visibility, retention, indexes, deleted_at, deleted_by, admin_roles, active_view, deleted_view,
       all_view, registered_at < now() AS past FROM softdelete.tables WHERE relation = 'orders'::regclass;

-- From now on it deletes softly.
INSERT INTO orders (number) VALUES ('a'), ('b');
DELETE FROM orders WHERE number = 'a';
SELECT number FROM orders;
SELECT number FROM active_orders;
SELECT number, deleted_by FROM deleted_orders;
SELECT number FROM all_orders ORDER BY number;
SELECT relname, reloptions FROM pg_class
    WHERE relname IN ('active_orders', 'deleted_orders', 'all_orders') AND relnamespace = 'regress_register'::regnamespace
    ORDER BY relname;

-- A table that is registered is not registered again.
SELECT * FROM softdelete.register('orders'); -- fails

-- Columns that are there are adopted with the rows that are deleted already, whatever they are called.
CREATE DOMAIN moment AS timestamp;
CREATE TABLE files (id uuid PRIMARY KEY, removed_at moment, removed_by smallint, name varchar(20));
COMMENT ON COLUMN files.removed_at IS 'when it went';
INSERT INTO files VALUES ('00000000-0000-0000-0000-000000000001', '2020-01-01', 7, 'old'),
                         ('00000000-0000-0000-0000-000000000002', NULL, NULL, 'new');
SELECT object, action, command FROM softdelete.register('files', deleted_at => 'removed_at', deleted_by => 'removed_by')
    WHERE object LIKE '%column%';
SELECT name FROM files;
SELECT name, removed_at FROM deleted_files;
SELECT attname, format_type, col_description FROM columns WHERE relation = 'files'::regclass;

-- Without deleted_by.
CREATE TABLE anonymous (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('anonymous', deleted_by => NULL);
SELECT attname FROM columns WHERE relation = 'anonymous'::regclass;

-- Indexes and views made by hand are adopted if they mean the same, also those that lack columns that came later.
CREATE TABLE users (id int PRIMARY KEY, email text, deleted_at timestamptz);
CREATE UNIQUE INDEX users_live_email ON users (email) WHERE deleted_at IS NULL;
CREATE INDEX users_deleted ON users (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX users_article ON users (deleted_at);
CREATE VIEW active_users AS SELECT * FROM users WHERE deleted_at IS NULL;
CREATE VIEW deleted_users AS SELECT id, email FROM users u WHERE u.deleted_at IS NOT NULL;
ALTER TABLE users ADD COLUMN name text;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON users USING (true);
SELECT object, action, command FROM softdelete.register('users') WHERE object ~ 'index|view|constraint';
SELECT pg_get_indexdef FROM indexes WHERE relation = 'users'::regclass;

-- A view of the same name that means something else is an error that names it and the argument.
CREATE TABLE accounts (id int PRIMARY KEY, deleted_at timestamptz, a int, b int);
CREATE VIEW active_accounts AS SELECT * FROM accounts WHERE deleted_at IS NULL AND a > 0;
SELECT * FROM softdelete.register('accounts'); -- fails
CREATE OR REPLACE VIEW active_accounts AS SELECT * FROM accounts;
SELECT * FROM softdelete.register('accounts'); -- fails
CREATE OR REPLACE VIEW active_accounts AS SELECT * FROM ONLY accounts WHERE deleted_at IS NULL;
SELECT * FROM softdelete.register('accounts'); -- fails
DROP VIEW active_accounts;
CREATE VIEW active_accounts AS SELECT id, deleted_at, b AS a, a AS b FROM accounts WHERE deleted_at IS NULL;
SELECT * FROM softdelete.register('accounts'); -- fails
DROP VIEW active_accounts;
CREATE VIEW active_accounts AS SELECT id, b FROM accounts WHERE deleted_at IS NULL;
SELECT * FROM softdelete.register('accounts'); -- fails
DROP VIEW active_accounts;
CREATE TABLE deleted_accounts ();
SELECT * FROM softdelete.register('accounts'); -- fails
SELECT object, command FROM softdelete.register('accounts', active_view => 'live', deleted_view => 'trash', all_view => 'everything')
    WHERE object LIKE 'view%';

-- User triggers on DELETE do not fire: the step shows the equivalent. Children by CASCADE are named with the call that
-- registers them. So are keys that deleted rows keep, foreign keys without an index, and tables without a key.
CREATE FUNCTION noticed() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'trigger on %: %', TG_OP, TG_ARGV[0]; RETURN NULL; END $$;
CREATE TABLE countries (code text PRIMARY KEY, name text);
CREATE TABLE cities (country text REFERENCES countries ON DELETE CASCADE, name text);
CREATE TRIGGER gone AFTER INSERT OR DELETE ON countries FOR EACH ROW EXECUTE FUNCTION noticed('it''s');
SELECT object, command FROM softdelete.register('countries') WHERE action = 'warning';
SELECT object, command FROM softdelete.register('cities') WHERE action = 'warning';
SELECT command FROM softdelete.unregister('countries') LIMIT 0;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('countries');
SELECT command FROM softdelete.plan('countries') WHERE action = 'warning' AND object LIKE 'trigger%' \gset
SELECT count(*) > 0 AS registered FROM softdelete.register('countries');
:command;
INSERT INTO countries VALUES ('at');
DELETE FROM countries;

-- Triggers on DELETE that come later are warned of, with theirs; on other events and other tables they are not.
CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
SET client_min_messages = warning;
CREATE TRIGGER "It's" BEFORE DELETE ON countries FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TRIGGER after_all AFTER DELETE ON countries EXECUTE FUNCTION pass();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON countries FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TRIGGER partly AFTER UPDATE OF name OR DELETE ON countries FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TRIGGER updates BEFORE UPDATE ON countries FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TABLE plain (id int);
CREATE TRIGGER pass BEFORE DELETE ON plain FOR EACH ROW EXECUTE FUNCTION pass();
RESET client_min_messages;

-- cascade => true registers all tables that deletes reach, or none.
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE TABLE grandchildren (id int PRIMARY KEY, child int REFERENCES children ON DELETE CASCADE,
                            again int REFERENCES parents ON DELETE CASCADE, self int REFERENCES grandchildren ON DELETE CASCADE);
CREATE TABLE bystanders (id int PRIMARY KEY, parent int REFERENCES parents);
GRANT REFERENCES ON grandchildren TO regress_register_other;
SET SESSION AUTHORIZATION regress_register_other;
CREATE TABLE strangers (id int PRIMARY KEY, grandchild int REFERENCES grandchildren ON DELETE CASCADE);
SET SESSION AUTHORIZATION regress_register_owner;
SELECT * FROM softdelete.register('parents', cascade => true); -- fails
SELECT relation FROM softdelete.tables WHERE relation = 'parents'::regclass;
SET SESSION AUTHORIZATION regress_register_other;
DROP TABLE strangers;
SET SESSION AUTHORIZATION regress_register_owner;
SELECT relation, object FROM softdelete.register('parents', cascade => true) WHERE object LIKE 'view%active%' OR action = 'warning';
SELECT relation FROM softdelete.tables WHERE relation::text ~ 'parents|children|bystanders' ORDER BY 1;
INSERT INTO parents VALUES (1);
INSERT INTO children VALUES (2, 1);
INSERT INTO grandchildren VALUES (3, 2, 1, 3);
DELETE FROM parents;
SELECT (SELECT count(*) FROM children), (SELECT count(*) FROM grandchildren);

-- Inheritance children belong to their parent.
CREATE TABLE animals (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE cats (lives int, UNIQUE (name)) INHERITS (animals);
SELECT * FROM softdelete.register('cats'); -- fails
SELECT count(*) > 0 AS registered FROM softdelete.register('animals');
SELECT relation, tgname FROM triggers WHERE relation IN ('animals'::regclass, 'cats'::regclass);
SELECT pg_get_indexdef FROM indexes WHERE relation = 'cats'::regclass;
INSERT INTO cats VALUES (1, 'tom', 9);
DELETE FROM animals;
INSERT INTO cats VALUES (1, 'tom', 9);
SELECT count(*) FROM animals;

-- configure() changes what is given and nothing else.
SELECT object, action, command FROM softdelete.configure('orders', retention => '3 months');
SELECT object, action, command FROM softdelete.configure('orders', visibility => 'view', indexes => 'unique');
SELECT number FROM orders ORDER BY number;
SELECT pg_get_indexdef FROM indexes WHERE relation = 'orders'::regclass;
SELECT object, action, command FROM softdelete.configure('orders', keep_forever => true, indexes => 'none');
SELECT pg_get_indexdef FROM indexes WHERE relation = 'orders'::regclass;
SELECT action, command FROM softdelete.configure('orders', visibility => 'filter', indexes => 'all', admin_roles => '{regress_register_owner}')
    WHERE object LIKE '%index%' OR object LIKE '%constraint%';
SELECT retention, visibility, indexes, admin_roles FROM softdelete.tables WHERE relation = 'orders'::regclass;
SELECT tgname, tgenabled FROM triggers WHERE relation = 'orders'::regclass;
SELECT number FROM orders;

-- repair() has nothing to do where all is well.
SELECT * FROM softdelete.repair('orders');
SELECT * FROM softdelete.repair('animals');
SELECT * FROM softdelete.repair('files');

-- Where it is not, it makes what is missing or different.
ALTER TABLE orders ADD COLUMN note text UNIQUE;
ALTER TABLE orders RENAME COLUMN total TO sum;
ALTER TABLE orders ENABLE TRIGGER softdelete_marker;
SET row_security = off; -- as pg_restore does: nothing is refused
DROP VIEW deleted_orders;
DROP INDEX orders_deletion_id_idx;
RESET row_security;
SELECT object, action, command FROM softdelete.repair('orders');
SELECT * FROM softdelete.repair('orders');
SELECT pg_get_indexdef FROM indexes WHERE relation = 'orders'::regclass;
