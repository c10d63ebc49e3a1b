-- Anonymization reaches archives: the live row, each that was archived under its key, and what references them, live or
-- archived, where the tables have rules.
CREATE ROLE regress_archive_anon;
CREATE ROLE regress_archive_anon_other;
CREATE SCHEMA regress_archive_anon AUTHORIZATION regress_archive_anon;
SET SESSION AUTHORIZATION regress_archive_anon;
SET search_path = regress_archive_anon;
\set VERBOSITY terse

CREATE DOMAIN mail AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE users (id int PRIMARY KEY, email mail NOT NULL UNIQUE, name text, initials text GENERATED ALWAYS AS (left(name, 1) || upper(right(email, 1))) STORED, v0 int DEFAULT 7);
CREATE TABLE carts (id int PRIMARY KEY, owner int REFERENCES users ON DELETE CASCADE, address text, note text);
CREATE TABLE hints (id int PRIMARY KEY, about int REFERENCES users ON DELETE SET NULL, body text);
CREATE TABLE plain_carts (id int PRIMARY KEY, owner int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON carts (owner);
CREATE INDEX ON hints (about);
CREATE INDEX ON plain_carts (owner);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('users', strategy => 'archive', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('hints', strategy => 'archive');
RESET client_min_messages;
SELECT softdelete.set_anonymizer('users', 'email', $$'gone_' || users.id || '@example.org'$$);
SELECT softdelete.set_anonymizer('users', 'name', $$'Deleted ' || coalesce(length(name), 0)$$);
SELECT softdelete.set_anonymizer('carts', 'address', 'NULL');
SELECT softdelete.set_anonymizer('hints', 'body', $$''$$);
SELECT softdelete.set_anonymizer('users', 'id', '0'); -- fails
SELECT softdelete.set_anonymizer('users', 'deleted_by', 'NULL'); -- fails
SELECT softdelete.set_anonymizer('users_archive', 'name', 'NULL'); -- fails
SELECT relation, column_name, expression FROM softdelete.anonymizers WHERE relation::text NOT LIKE '%.%' ORDER BY relation::text, column_name;

INSERT INTO users (id, email, name) VALUES (1, 'ann@example.com', 'Ann'), (2, 'ben@example.com', 'Ben'), (3, 'cid@example.com', 'Cid');
INSERT INTO carts VALUES (10, 1, 'Main Street 1', 'x'), (11, 1, 'Main Street 1', 'y'), (20, 2, 'Side Street 2', 'z');
INSERT INTO hints VALUES (1, 1, 'ann likes it'), (2, 2, 'ben does not');
INSERT INTO plain_carts VALUES (1, 1), (2, 2);
SET softdelete.reason = 'ann asked';
-- archived twice, and live once more; one cart archived by itself
DELETE FROM carts WHERE id = 10;
DELETE FROM hints WHERE id = 1;
DELETE FROM users WHERE id = 1;
INSERT INTO users (id, email, name) VALUES (1, 'ann.two@example.com', 'Anna');
DELETE FROM users WHERE id = 1;
INSERT INTO users (id, email, name) VALUES (1, 'ann.three@example.com', 'Annabel');
INSERT INTO carts VALUES (12, 1, 'Other Street 3', 'w');
RESET softdelete.reason;
DELETE FROM users WHERE id = 2;
SELECT softdelete.anonymize('users', 'request 1', 1) -> 'rows' AS rows;
SELECT id, email, name, initials, v0, deleted_by IS NULL AS nobody FROM all_users ORDER BY id, name, deleted_at NULLS FIRST;
SELECT id, owner, address, note, deleted_by IS NULL AS nobody FROM all_carts ORDER BY id;
SELECT id, about, body FROM all_hints ORDER BY id;
SELECT count(*) FILTER (WHERE reason IS NOT NULL) AS with_reason, count(*) FROM softdelete.deletions;
SELECT jsonb_path_query_array(not_reached, '$[*] ? (@ like_regex "plain")') AS not_reached FROM (SELECT to_jsonb(not_reached) AS not_reached FROM softdelete.erasure_log ORDER BY id DESC LIMIT 1) l;
-- it comes back as it is
SELECT softdelete.restore('carts', 10);
SELECT * FROM carts ORDER BY id;
-- one that is in the archive alone
SELECT softdelete.anonymize('users', 'request 2', 2) -> 'rows' AS rows;
SELECT id, email, name, initials FROM deleted_users WHERE id = 2;
SELECT softdelete.restore('users', 2);
SELECT id, email, name, initials FROM users WHERE id = 2;
SELECT softdelete.anonymize('users', 'request 3', 99); -- fails
SELECT softdelete.anonymize('users', '3', 3); -- fails
SELECT softdelete.anonymize('plain_carts', 'request', 1); -- fails

-- Nothing is overwritten that is on hold, be it above, below, live or archived.
DELETE FROM carts WHERE id = 12;
SELECT softdelete.hold('carts', 'case', 12) AS hold \gset
SELECT softdelete.anonymize('users', 'request 4', 1); -- fails
SELECT softdelete.release(:hold);
SELECT softdelete.hold('users', 'case', 1) AS hold \gset
SELECT softdelete.anonymize('carts', 'request 4', 12); -- fails
SELECT softdelete.release(:hold);
SELECT softdelete.anonymize('carts', 'request 4', 12) -> 'rows' AS rows;

-- Of a marked row it reaches what is archived below it.
CREATE TABLE firms (id int PRIMARY KEY, name text);
CREATE TABLE staff (firm int REFERENCES firms ON DELETE CASCADE, no int, name text, PRIMARY KEY (firm, no));
SELECT count(*) > 0 AS registered FROM softdelete.register('firms');
SELECT count(*) > 0 AS registered FROM softdelete.register('staff', strategy => 'archive');
SELECT softdelete.set_anonymizer('firms', 'name', $$'firm'$$), softdelete.set_anonymizer('staff', 'name', 'NULL');
INSERT INTO firms VALUES (1, 'Ann & Co'), (2, 'Ben & Co');
INSERT INTO staff VALUES (1, 1, 'ann'), (1, 2, 'ben'), (2, 1, 'cid');
DELETE FROM staff WHERE no = 2;
DELETE FROM firms WHERE id = 1;
SELECT softdelete.anonymize('firms', 'request 5', 1) -> 'rows' AS rows;
SELECT firm, no, name, deleted_at IS NOT NULL AS archived, deleted_by FROM all_staff ORDER BY firm, no;
SELECT softdelete.restore('firms', 1);
SELECT * FROM staff ORDER BY firm, no;

-- A rule for a column of the key: archived rows that reference the row get its new key, as live ones do.
CREATE TABLE mails (mail text PRIMARY KEY);
CREATE TABLE sent (id int PRIMARY KEY, mail text REFERENCES mails ON DELETE CASCADE ON UPDATE CASCADE);
CREATE INDEX ON sent (mail);
SELECT count(*) > 0 AS registered FROM softdelete.register('mails', strategy => 'archive', cascade => true);
SELECT softdelete.set_anonymizer('mails', 'mail', $$'none'$$);
INSERT INTO mails VALUES ('ann@example.com');
INSERT INTO sent VALUES (1, 'ann@example.com'), (2, 'ann@example.com');
DELETE FROM sent WHERE id = 2;
SELECT jsonb_path_query_array(softdelete.anonymize('mails', 'request', 'ann@example.com') -> 'not_reached', '$[*] ? (@ like_regex "former")') AS not_reached;
SELECT id, mail FROM all_sent ORDER BY id;

-- Histories: entries of the archived row as well.
CREATE TABLE tracked (id int PRIMARY KEY, v text);
SELECT count(*) > 0 AS registered FROM softdelete.register('tracked', strategy => 'archive');
SELECT count(*) AS tracked FROM softdelete.track_history('tracked');
SELECT softdelete.set_anonymizer('tracked', 'v', $$'none'$$);
INSERT INTO tracked VALUES (1, 'ann'), (2, 'ben');
UPDATE tracked SET v = v || ' b';
DELETE FROM tracked;
SELECT softdelete.anonymize('tracked', 'request 6', 1) -> 'rows' AS rows;
SELECT id, v, count(*) FROM tracked_history GROUP BY 1, 2 ORDER BY 1, 2;

-- At the end of the retention, instead of the purge.
CREATE TABLE logs (id int PRIMARY KEY, who text, up int REFERENCES logs ON DELETE CASCADE);
CREATE INDEX ON logs (up);
SELECT object, action FROM softdelete.plan('logs', strategy => 'archive', retention => '1 microsecond', on_expiry => 'anonymize') WHERE action = 'warning';
SELECT count(*) > 0 AS registered FROM softdelete.register('logs', strategy => 'archive', retention => '1 microsecond', on_expiry => 'anonymize');
SELECT relation, on_expiry FROM softdelete.tables WHERE relation = 'logs'::regclass;
SELECT col_description('logs_archive'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'logs_archive'::regclass AND attname = 'deleted_at';
INSERT INTO logs VALUES (1, 'ann', NULL), (2, 'ann', 1), (3, 'ben', NULL), (4, 'cid', NULL), (5, 'dan', NULL);
SELECT softdelete.delete('logs', 1) AS first \gset
DELETE FROM logs WHERE id IN (3, 4);
SELECT softdelete.hold('logs', 'case', 4) AS hold \gset
CALL softdelete.purge('logs');
SELECT softdelete.set_anonymizer('logs', 'who', $$'nobody'$$);
SELECT relation, due, held FROM softdelete.purge_preview('logs');
CALL softdelete.purge('logs', batch_size => 2);
SELECT id, who, deleted_by IS NULL AS nobody FROM deleted_logs ORDER BY id;
SELECT relation, due, held FROM softdelete.purge_preview('logs');
SELECT state, due, removed, anonymized, held FROM softdelete.purge_log WHERE relation = 'logs'::regclass AND error IS NULL ORDER BY id;
-- what is overwritten is no part of its deletion any more; it comes back as it is
SELECT softdelete.undo(:first);
SELECT softdelete.restore('logs', 1);
SELECT * FROM logs ORDER BY id;
SELECT softdelete.release(:hold);
CALL softdelete.purge('logs');
SELECT id, who FROM deleted_logs ORDER BY id;
SELECT softdelete.set_anonymizer('logs', 'who', NULL); -- fails
SELECT object, action FROM softdelete.configure('logs', on_expiry => 'purge');
CALL softdelete.purge('logs');
SELECT count(*) FROM deleted_logs;
SELECT softdelete.set_anonymizer('logs', 'who', NULL);
SELECT * FROM softdelete.configure('logs', on_expiry => 'anonymize'); -- fails
SELECT * FROM softdelete.configure('logs', on_expiry => 'other'); -- fails

-- Rules follow the table's columns, and end with them.
ALTER TABLE users RENAME name TO called;
ALTER TABLE users RENAME TO people;
SELECT column_name, expression FROM softdelete.anonymizers WHERE relation = 'people'::regclass ORDER BY 1;
UPDATE people SET called = 'Annabel' WHERE id = 1;
SELECT softdelete.anonymize('people', 'request 7', 1) IS NOT NULL AS done;
SELECT DISTINCT called FROM all_users WHERE id = 1;
ALTER TABLE people DROP COLUMN called CASCADE;
SELECT column_name FROM softdelete.anonymizers WHERE relation = 'people'::regclass ORDER BY 1;

-- A rule whose column was dropped while nobody looked can be taken away.
ALTER TABLE people ADD COLUMN late text;
SELECT softdelete.set_anonymizer('people', 'late', '''x''');
RESET SESSION AUTHORIZATION;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
SET client_min_messages = warning;
ALTER TABLE regress_archive_anon.people DROP COLUMN late CASCADE;
RESET client_min_messages;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_archive_anon;
SELECT softdelete.anonymize('people', 'request 8', 2) IS NOT NULL AS done; -- fails
SELECT softdelete.set_anonymizer('people', 'late', NULL);
SELECT softdelete.set_anonymizer('people', 'late', NULL); -- fails

-- What the table would refuse its archive does not get: the row could not come back.
CREATE DOMAIN short AS varchar(5) CHECK (VALUE <> 'never');
CREATE DOMAIN shorter AS short CHECK (VALUE <> 'no');
CREATE TABLE limits (id int PRIMARY KEY, required int NOT NULL DEFAULT 0, long varchar(5), fixed char(3), bits bit varying(2), longs varchar(2)[],
                     named short, deeper shorter, number numeric(3, 1), plain text, made text NOT NULL GENERATED ALWAYS AS (plain || '!') STORED);
SELECT count(*) > 0 AS registered FROM softdelete.register('limits', strategy => 'archive');
INSERT INTO limits (id, plain) VALUES (1, 'live'), (2, 'archived');
DELETE FROM limits WHERE id = 2;
CREATE PROCEDURE try_rule(col name, expression text, relation regclass DEFAULT 'limits') LANGUAGE plpgsql AS $$
DECLARE
    outcomes text := '';
BEGIN
    PERFORM softdelete.set_anonymizer(relation, col, expression);
    FOR row IN 1 .. 2 LOOP
        BEGIN
            PERFORM softdelete.anonymize(relation, 'request', row);
            RAISE SQLSTATE 'UNDO0';
        EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
            outcomes := outcomes || ' done';
        WHEN others THEN
            outcomes := outcomes || ' ' || SQLSTATE;
        END;
    END LOOP;
    PERFORM softdelete.set_anonymizer(relation, col, NULL);
    RAISE WARNING '% = %: live and archived:%', col, expression, outcomes;
END $$;
SET client_min_messages = warning;
CALL try_rule('required', 'nullif(id, id)');
CALL try_rule('required', 'id');
CALL try_rule('long', $$CASE WHEN id > 0 THEN 'too long' END$$);
CALL try_rule('long', $$'short'$$);
CALL try_rule('long', 'NULL');
CALL try_rule('fixed', $$CASE WHEN id > 0 THEN 'long' END$$);
CALL try_rule('fixed', $$'a'$$);
CALL try_rule('bits', $$CASE WHEN id > 0 THEN B'111' END$$);
CALL try_rule('bits', $$B'1'$$);
CALL try_rule('longs', $$ARRAY['ab', CASE WHEN id > 0 THEN 'abc' END]$$);
CALL try_rule('longs', $$ARRAY['ab', NULL]$$);
CALL try_rule('named', $$CASE WHEN id > 0 THEN 'never' END$$);
CALL try_rule('named', $$CASE WHEN id > 0 THEN 'too long' END$$);
CALL try_rule('named', $$'fits'$$);
CALL try_rule('deeper', $$CASE WHEN id > 0 THEN 'never' END$$);
CALL try_rule('deeper', $$CASE WHEN id > 0 THEN 'no' END$$);
CALL try_rule('deeper', $$CASE WHEN id > 0 THEN 'too long' END$$);
CALL try_rule('deeper', $$'fits'$$);
CALL try_rule('number', '1.23');
CALL try_rule('plain', $$nullif(plain, plain)$$);
CALL try_rule('plain', $$'any'$$);
-- Its CHECKs as well, over one column, over several, over computed ones, over the row as a whole, over what it is stored in.
CREATE TABLE "Checked" (id int PRIMARY KEY, one text CONSTRAINT "O'ne" CHECK (one <> 'never'), low int, high int, named short, "of row" text, place text,
                        plain text, made text GENERATED ALWAYS AS (plain || '!') STORED, CHECK (low < high), CHECK (made <> 'never!'), CHECK (named <> 'bad'),
                        CHECK (place <> tableoid::regclass::text));
CREATE FUNCTION is_fine(c "Checked") RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT c."of row" IS DISTINCT FROM c.id::text $$;
ALTER TABLE "Checked" ADD CHECK (is_fine("Checked"));
SELECT count(*) > 0 AS registered FROM softdelete.register('"Checked"', strategy => 'archive');
INSERT INTO "Checked" (id, one, low, high, plain) VALUES (1, 'live', 1, 2, 'live'), (2, 'archived', 1, 2, 'archived');
DELETE FROM "Checked" WHERE id = 2;
CALL try_rule('one', $$'never'$$, '"Checked"');
CALL try_rule('one', $$'fine'$$, '"Checked"');
CALL try_rule('one', 'NULL', '"Checked"');
CALL try_rule('low', '2', '"Checked"');
CALL try_rule('low', '0', '"Checked"');
CALL try_rule('plain', $$'never'$$, '"Checked"');
CALL try_rule('plain', $$'fine'$$, '"Checked"');
CALL try_rule('named', $$'bad'$$, '"Checked"');
CALL try_rule('named', $$'fine'$$, '"Checked"');
CALL try_rule('of row', 'id::text', '"Checked"');
CALL try_rule('of row', $$'fine'$$, '"Checked"');
CALL try_rule('place', $$'"Checked"'$$, '"Checked"');
CALL try_rule('place', $$'regress_archive_anon."Checked"'$$, '"Checked"');
CALL try_rule('place', $$'fine'$$, '"Checked"');
-- One that an archived row does not meet anyway, since it came later, keeps nobody's data.
UPDATE "Checked" SET high = 100;
ALTER TABLE "Checked" ADD CHECK (high > 50 AND one <> 'nobody');
CALL try_rule('one', $$'nobody'$$, '"Checked"');
CALL try_rule('one', $$'fine'$$, '"Checked"');
\set VERBOSITY default
SELECT softdelete.set_anonymizer('limits', 'required', 'nullif(id, id)');
SELECT softdelete.anonymize('limits', 'request', 2); -- fails
SELECT softdelete.set_anonymizer('"Checked"', 'low', '2');
SELECT softdelete.anonymize('"Checked"', 'request', 2); -- fails
\set VERBOSITY terse
SET client_min_messages = error;

-- It is for the owner.
GRANT USAGE ON SCHEMA regress_archive_anon TO regress_archive_anon_other;
GRANT ALL ON people, users_archive TO regress_archive_anon_other;
SET SESSION AUTHORIZATION regress_archive_anon_other;
SELECT softdelete.anonymize('regress_archive_anon.people', 'request', 1); -- fails
SELECT softdelete.set_anonymizer('regress_archive_anon.people', 'email', 'NULL'); -- fails

RESET SESSION AUTHORIZATION;
SET client_min_messages = error;
DROP SCHEMA regress_archive_anon CASCADE;
DELETE FROM softdelete_internal.hold;
DROP OWNED BY regress_archive_anon, regress_archive_anon_other;
DROP ROLE regress_archive_anon, regress_archive_anon_other;
