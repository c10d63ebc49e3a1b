-- Keys of many types, and references of another type than the key: each deletes, refuses, restores and is purged alike.
\set QUIET on
CREATE ROLE regress_key_types;
CREATE SCHEMA regress_key_types AUTHORIZATION regress_key_types;
SET SESSION AUTHORIZATION regress_key_types;
SET search_path = regress_key_types;
SET client_min_messages = error;
CREATE COLLATION "Any case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small AS positive CHECK (VALUE < 100);
CREATE DOMAIN word AS text COLLATE "C" CHECK (VALUE <> '');
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN paint AS color;
CREATE DOMAIN couple AS pair;
CREATE DOMAIN span AS int4range;
CREATE DOMAIN list AS int[];
\set QUIET off

-- One table of parents, one of children below each action; keys are those of the first, second and third parent, and
-- how a child writes that of the first.
CREATE FUNCTION try_key(key text, reference text, VARIADIC keys text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text := '';
    deletion bigint;
    ada text[];
BEGIN
    EXECUTE format('CREATE TABLE parents (k %s PRIMARY KEY, name text)', key);
    EXECUTE format('CREATE TABLE children (c %s REFERENCES parents ON DELETE CASCADE)', reference);
    EXECUTE format('CREATE TABLE refusing (c %s REFERENCES parents ON DELETE NO ACTION)', reference);
    EXECUTE format('CREATE TABLE linked (c %s REFERENCES parents ON DELETE SET NULL)', reference);
    PERFORM softdelete.register('parents', retention => '1 day', cascade => true);
    PERFORM softdelete.register('refusing');
    EXECUTE format('INSERT INTO parents OVERRIDING SYSTEM VALUE VALUES (%s, ''ada''), (%s, ''bob''), (%s, ''cy'')',
                   keys[1], keys[2], keys[3]);
    EXECUTE format('INSERT INTO children VALUES (%s), (%s), (%s)', keys[4], keys[2], keys[3]);
    EXECUTE format('INSERT INTO refusing VALUES (%s)', keys[2]);
    EXECUTE format('INSERT INTO linked VALUES (%s)', keys[4]);
    ada := ARRAY[(SELECT k::text FROM parents WHERE name = 'ada')];
    said := said || (SELECT string_agg(action, ', ' ORDER BY depth, action) FROM softdelete.preview('parents', VARIADIC ada));
    deletion := softdelete.delete('parents', VARIADIC ada);
    said := said || '; children ' || (SELECT count(*) FROM children);
    BEGIN
        EXECUTE format('INSERT INTO children VALUES (%s)', keys[4]);
        said := said || '; linked to a deleted row';
    EXCEPTION WHEN foreign_key_violation THEN
    END;
    BEGIN
        DELETE FROM parents WHERE name = 'bob';
        said := said || '; deleted in spite of a reference';
    EXCEPTION WHEN foreign_key_violation THEN
    END;
    BEGIN
        UPDATE children SET deleted_at = NULL WHERE deleted_at IS NOT NULL;
        said := said || '; live below a deleted row';
    EXCEPTION WHEN foreign_key_violation THEN
    END;
    said := said || '; restored ' || softdelete.restore('parents', VARIADIC ada);
    DELETE FROM parents WHERE name IN ('ada', 'cy');
    PERFORM softdelete.hold('parents', 'case 1', VARIADIC ada);
    UPDATE parents SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
    UPDATE children SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
    CALL softdelete.purge('parents');
    said := said || '; held ' || (SELECT count(*) FROM deleted_parents) || ' and ' || (SELECT count(*) FROM deleted_children);
    PERFORM softdelete.release(max(id)) FROM softdelete.holds;
    PERFORM softdelete.erase('parents', 'request 1', VARIADIC ada);
    said := said || '; left ' || (SELECT count(*) FROM all_parents) || ' and ' || (SELECT count(*) FROM all_children)
        || ', links ' || (SELECT count(c) FROM linked);
    DROP TABLE children, refusing, linked, parents CASCADE;
    RETURN said;
END$$;
SELECT key, reference, try_key(key, reference, a, b, c, d) FROM (VALUES
    (1, 'int GENERATED ALWAYS AS IDENTITY', 'bigint', '1', '2', '3', '1'),
    (2, 'numeric', 'int', '1.0', '2', '3', '1'),
    (3, 'small', 'positive', '1', '2', '3', '1'),
    (4, 'word', 'varchar(9)', '''a''', '''b''', '''Q''''x''', '''a'''),
    (5, 'text COLLATE "Any case"', 'text COLLATE "Any case"', '''a''', '''b''', '''c''', '''A'''),
    (6, 'color', 'color', '''red''', '''blue''', '''green''', '''red'''),
    (7, 'pair', 'pair', '''(1,a)''', '''(2,b)''', '''(3,"c,""")''', '''(1,a)'''),
    (8, 'timestamp', 'date', '''2020-01-01''', '''2020-01-02''', '''infinity''', '''2020-01-01'''),
    (9, 'int4range', 'int4range', '''[1,2)''', '''empty''', '''(,)''', '''[1,1]'''),
    (10, 'pair', 'pair', '''(1,)''', '''(,b)''', '''(3,c)''', '''(1,)'''),
    (11, 'int[]', 'int[]', '''{1,2}''', '''{}''', '''{{1},{2}}''', '''{1,2}'''),
    (12, 'couple', 'couple', '''(1,a)''', '''(2,b)''', '''(3,"c,""")''', '''(1,a)'''),
    (13, 'span', 'span', '''[1,2)''', '''empty''', '''(,)''', '''[1,1]'''),
    (14, 'list', 'list', '''{1,2}''', '''{}''', '''{{1},{2}}''', '''{1,2}''')
) v (position, key, reference, a, b, c, d) ORDER BY position;

-- Up to 17 the referenced column may have a nondeterministic collation that the other one does not have.
SELECT try_key('text COLLATE "Any case"', CASE WHEN current_setting('server_version_num')::int < 180000 THEN 'text'
    ELSE 'text COLLATE "Any case"' END, '''a''', '''b''', '''c''', '''A''');

-- Of several columns, each of another type.
CREATE TABLE shelves (a numeric, "B b" text COLLATE "Any case", c date, PRIMARY KEY (a, "B b", c));
CREATE TABLE books (id int PRIMARY KEY, c date, b text COLLATE "Any case", a int,
    FOREIGN KEY (a, b, c) REFERENCES shelves ON DELETE CASCADE ON UPDATE CASCADE);
CREATE INDEX ON books (a, b, c);
SELECT count(*) > 0 AS registered FROM softdelete.register('shelves', cascade => true);
INSERT INTO shelves VALUES (1.0, 'x', '2020-01-01'), (2, 'x', '2020-01-01');
INSERT INTO books VALUES (1, '2020-01-01', 'X', 1), (2, '2020-01-01', 'X', 2), (3, NULL, 'X', 1), (4, '2020-01-01', 'x', 2);
DELETE FROM shelves;
SELECT id FROM books ORDER BY id;
INSERT INTO books VALUES (5, '2020-01-01', 'X', 2); -- fails
SELECT softdelete.restore('shelves', 2, 'X', '2020-01-01'::date);
UPDATE shelves SET "B b" = 'Y', a = 3 WHERE a = 2;
SELECT id, a, b FROM books ORDER BY id;

-- Foreign keys cannot be of a domain over an enumeration; primary keys can.
CREATE TABLE paints (paint paint PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('paints', retention => '1 day');
INSERT INTO paints VALUES ('red'), ('blue');
SELECT softdelete.hold('paints', 'case 1', 'red') > 0 AS held;
SELECT softdelete.delete('paints', 'red') > 0 AS deleted;
UPDATE all_paints SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
CALL softdelete.purge('paints');
SELECT softdelete.restore('paints', 'red');
SELECT relation, key, reason FROM softdelete.holds;
SELECT softdelete.erase('paints', 'request 1', 'blue') IS NOT NULL AS erased;
SELECT paint FROM all_paints ORDER BY paint;
SELECT softdelete.release(id) FROM softdelete.holds WHERE relation = 'paints'::regclass;

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_key_types CASCADE;
DROP ROLE regress_key_types;
