-- Triggers of the user's tables find their names under the path of whoever deletes or restores, as under a statement of
-- his own. What the extension's statements name is not up to that path.
\set QUIET on
CREATE ROLE regress_search_path;
CREATE SCHEMA regress_search_path AUTHORIZATION regress_search_path;
CREATE SCHEMA regress_search_path_fake AUTHORIZATION regress_search_path;
SET SESSION AUTHORIZATION regress_search_path;
SET search_path = regress_search_path;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON orders (user_id);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE audit (line text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit VALUES (TG_TABLE_NAME || ' ' || new.id || CASE WHEN new.deleted_at IS NULL THEN ' back' ELSE ' gone' END);
    RETURN new;
END $$;
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
CREATE TRIGGER note BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO users VALUES (1, 'a'), (2, 'b');
INSERT INTO orders VALUES (1, 1), (2, 2);
INSERT INTO parts VALUES (1), (2);
\set QUIET off

SELECT softdelete.delete('users', 1) IS NOT NULL AS deleted;
SELECT softdelete.restore('users', 1);
SELECT softdelete.undo(softdelete.delete('users', 2));
SELECT softdelete.restore('parts', 2) FROM softdelete.delete('parts', 2);
SELECT * FROM audit;
SHOW search_path;

-- An error leaves the path alone as well.
SELECT softdelete.restore('users', 9); -- fails
SHOW search_path;

-- Operators that stand in the way of the server's own are not the ones that are meant.
CREATE FUNCTION regress_search_path_fake.no(tid, tid) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''fake''; END';
CREATE FUNCTION regress_search_path_fake.no(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''fake''; END';
CREATE FUNCTION regress_search_path_fake.no(oid, oid) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''fake''; END';
CREATE FUNCTION regress_search_path_fake.no(int, int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''fake''; END';
CREATE OPERATOR regress_search_path_fake.= (LEFTARG = tid, RIGHTARG = tid, FUNCTION = regress_search_path_fake.no);
CREATE OPERATOR regress_search_path_fake.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = regress_search_path_fake.no);
CREATE OPERATOR regress_search_path_fake.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = regress_search_path_fake.no);
CREATE OPERATOR regress_search_path_fake.= (LEFTARG = int, RIGHTARG = int, FUNCTION = regress_search_path_fake.no);
SET search_path = regress_search_path_fake, pg_catalog, regress_search_path;
SELECT softdelete.undo(softdelete.delete('users', 1));
SELECT softdelete.restore('users', 2) FROM softdelete.delete('users', 2);
SELECT softdelete.restore('parts', 1) FROM softdelete.delete('parts', 1);

-- Functions in expressions of indexes and statistics find their names as well, where an erasure has the table analyzed. One that
-- fails holds nothing up.
SET search_path = regress_search_path;
CREATE TABLE people (id int PRIMARY KEY, email text);
CREATE FUNCTION lowered(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)';
CREATE FUNCTION shortened(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('regress.sulks', true) = 'yes' THEN
        RAISE 'I saw %', $1;
    END IF;
    RETURN lowered($1);
END $$;
CREATE INDEX ON people (shortened(email));
CREATE STATISTICS people_statistics ON (shortened(email)) FROM people;
SELECT count(*) > 0 AS registered FROM softdelete.register('people');
SELECT softdelete.set_anonymizer('people', 'email', '''gone''');
INSERT INTO people SELECT i, 'A' || i FROM generate_series(1, 9) i;
SELECT softdelete.erase('people', 'request', 1) -> 'rows' AS rows;
SELECT softdelete.anonymize('people', 'request', 2) -> 'rows' AS rows;
SELECT tablename, attname FROM pg_stats WHERE schemaname = 'regress_search_path' AND attname ~ 'email|expr|shortened' ORDER BY 1, 2;
SET regress.sulks = 'yes';
SELECT softdelete.erase('people', 'request', 3) -> 'rows' AS rows;
RESET regress.sulks;
SELECT id FROM people ORDER BY id LIMIT 2;
SELECT count(*) AS statistics FROM pg_stats WHERE schemaname = 'regress_search_path' AND tablename ~ 'people';

-- So do functions of policies, where somebody restores, deletes or looks, and of unique indexes in conflicts().
CREATE TABLE tenants (tenant int);
CREATE FUNCTION is_mine(int) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM tenants WHERE tenant = $1)';
CREATE TABLE files (id int PRIMARY KEY, tenant int, name text, CHECK (is_mine(tenant)));
CREATE UNIQUE INDEX ON files (shortened(name));
ALTER TABLE files ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON files USING (is_mine(tenant));
SELECT count(*) > 0 AS registered FROM softdelete.register('files');
INSERT INTO tenants VALUES (1);
INSERT INTO files VALUES (1, 1, 'A'), (2, 1, 'B');
SELECT action, rows FROM softdelete.preview('files', 1);
SELECT softdelete.delete('files', 1) AS deletion \gset
INSERT INTO files VALUES (3, 1, 'a');
SELECT key, reason, detail FROM softdelete.conflicts(:deletion);
DELETE FROM files WHERE id = 3;
SELECT softdelete.restore('files', 1);
SELECT softdelete.undo(softdelete.delete('files', 2));
SHOW search_path;

RESET SESSION AUTHORIZATION;
RESET search_path;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_search_path CASCADE;
DROP SCHEMA regress_search_path_fake CASCADE;
DROP ROLE regress_search_path;
