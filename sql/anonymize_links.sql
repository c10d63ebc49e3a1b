-- Anonymization follows every foreign key to the rows that name the subject, to any depth, where their tables have rules,
-- and says in its entry which rows it did not reach.
CREATE ROLE regress_links;
CREATE ROLE regress_links_other;
CREATE SCHEMA regress_links AUTHORIZATION regress_links;
SET SESSION AUTHORIZATION regress_links;
SET search_path = regress_links;
CREATE TABLE customer (id int PRIMARY KEY, name text);
CREATE TABLE by_no_action (id int PRIMARY KEY, customer int REFERENCES customer, name text);
CREATE TABLE by_restrict (id int PRIMARY KEY, customer int REFERENCES customer ON DELETE RESTRICT, name text);
CREATE TABLE by_set_null (id int PRIMARY KEY, customer int REFERENCES customer ON DELETE SET NULL, name text);
CREATE TABLE by_set_default (id int PRIMARY KEY, customer int DEFAULT 0 REFERENCES customer ON DELETE SET DEFAULT, name text);
CREATE TABLE by_cascade (id int PRIMARY KEY, customer int REFERENCES customer ON DELETE CASCADE, name text);
CREATE TABLE deferred (id int PRIMARY KEY, customer int REFERENCES customer DEFERRABLE INITIALLY DEFERRED, name text);
CREATE TABLE without_rules (id int PRIMARY KEY, customer int REFERENCES customer);
CREATE TABLE below_that (id int PRIMARY KEY, above int REFERENCES without_rules, name text);
CREATE TABLE unregistered (id int PRIMARY KEY, customer int REFERENCES customer);
CREATE TABLE unrelated (id int PRIMARY KEY, above int REFERENCES unregistered);
CREATE TABLE deepest (id int PRIMARY KEY, above int REFERENCES by_no_action ON DELETE RESTRICT, name text);
INSERT INTO customer VALUES (0, 'nobody'), (1, 'Ada'), (2, 'Bob');
INSERT INTO by_no_action SELECT g, 1 + g % 2, 'name ' || g FROM generate_series(1, 4) g;
INSERT INTO by_restrict SELECT g, 1 + g % 2, 'name ' || g FROM generate_series(1, 4) g;
INSERT INTO by_set_null SELECT g, 1 + g % 2, 'name ' || g FROM generate_series(1, 4) g;
INSERT INTO by_set_default SELECT g, 1 + g % 2, 'name ' || g FROM generate_series(1, 4) g;
INSERT INTO by_cascade SELECT g, 1 + g % 2, 'name ' || g FROM generate_series(1, 4) g;
INSERT INTO deferred SELECT g, 1 + g % 2, 'name ' || g FROM generate_series(1, 4) g;
INSERT INTO without_rules SELECT g, 1 + g % 2 FROM generate_series(1, 4) g;
INSERT INTO below_that SELECT g, g, 'name ' || g FROM generate_series(1, 4) g;
INSERT INTO unregistered SELECT g, 1 + g % 2 FROM generate_series(1, 6) g;
INSERT INTO unrelated SELECT g, g FROM generate_series(1, 4) g;
INSERT INTO deepest SELECT g, g, 'name ' || g FROM generate_series(1, 4) g;
CREATE TABLE with_rules (name text);
INSERT INTO with_rules VALUES ('customer'), ('by_no_action'), ('by_restrict'), ('by_set_null'), ('by_set_default'), ('by_cascade'),
    ('deferred'), ('below_that'), ('deepest');
SELECT count(*) > 0 AS registered FROM with_rules, softdelete.register(name::regclass);
SELECT count(*) > 0 AS registered FROM softdelete.register('without_rules');
SELECT count(softdelete.set_anonymizer(name::regclass, 'name', '''gone''')) AS rules FROM with_rules;
CREATE VIEW names AS
    SELECT 'by_no_action' AS "table", string_agg(name, ', ' ORDER BY id) FROM all_by_no_action
    UNION ALL SELECT 'by_restrict', string_agg(name, ', ' ORDER BY id) FROM all_by_restrict
    UNION ALL SELECT 'by_set_null', string_agg(name, ', ' ORDER BY id) FROM all_by_set_null
    UNION ALL SELECT 'by_set_default', string_agg(name, ', ' ORDER BY id) FROM all_by_set_default
    UNION ALL SELECT 'by_cascade', string_agg(name, ', ' ORDER BY id) FROM all_by_cascade
    UNION ALL SELECT 'deferred', string_agg(name, ', ' ORDER BY id) FROM all_deferred
    UNION ALL SELECT 'below_that', string_agg(name, ', ' ORDER BY id) FROM all_below_that
    UNION ALL SELECT 'deepest', string_agg(name, ', ' ORDER BY id) FROM all_deepest
    UNION ALL SELECT 'customer', string_agg(name, ', ' ORDER BY id) FROM all_customer;
\set QUIET off

-- Every key, to any depth, through tables without rules too; deleted rows as well. The rows that stay are in the entry.
DELETE FROM deepest WHERE id = 2;
DELETE FROM by_no_action WHERE id = 2;
SELECT entry -> 'rows' AS rows, e.n FROM softdelete.anonymize('customer', 'request 1', 1) AS entry,
    LATERAL jsonb_array_elements_text(entry -> 'not_reached') WITH ORDINALITY e (n, o) ORDER BY o;
SELECT * FROM names ORDER BY 1;
SELECT rows FROM softdelete.erasure_log ORDER BY id DESC LIMIT 1;

-- A row that is held by one of them keeps the whole as it is.
SELECT softdelete.hold('by_set_null', 'case', 1) AS hold \gset
\set VERBOSITY terse
SELECT softdelete.anonymize('customer', 'request 2', 2); -- fails
\set VERBOSITY default
SELECT softdelete.release(:hold);
SELECT count(*) FROM softdelete.anonymize('customer', 'request 2', 2);
SELECT * FROM names WHERE string_agg ~ 'name' ORDER BY 1;

-- Rows of the subject's own table are other subjects: only ON DELETE CASCADE, which would take them along, leads to them.
CREATE TABLE staff (id int PRIMARY KEY, manager int REFERENCES staff, name text);
CREATE TABLE badge (id int PRIMARY KEY, staff int REFERENCES staff, deputy int REFERENCES staff, name text);
ALTER TABLE staff ADD main_badge int REFERENCES badge;
SELECT count(*) > 0 AS registered FROM (VALUES ('staff'), ('badge')) t (name), softdelete.register(name::regclass);
SELECT softdelete.set_anonymizer('staff', 'name', '''gone'''), softdelete.set_anonymizer('badge', 'name', '''gone''');
INSERT INTO staff VALUES (1, NULL, 'Ada'), (2, 1, 'Bob'), (3, 2, 'Cyd');
INSERT INTO badge VALUES (1, 1, NULL, 'Ada'), (2, 2, 1, 'Bob'), (3, 3, NULL, 'Cyd');
UPDATE staff SET main_badge = id;
SELECT entry -> 'rows' AS rows, entry -> 'not_reached' -> 0 AS not_reached FROM softdelete.anonymize('staff', 'request 3', 1) AS entry;
SELECT s.name AS staff, b.name AS badge FROM staff s JOIN badge b ON b.id = s.main_badge ORDER BY s.id;

-- A table of somebody else's: his rows do not go with the subject's, and are not overwritten by its owner.
GRANT USAGE, CREATE ON SCHEMA regress_links TO regress_links_other;
GRANT REFERENCES, SELECT ON customer TO regress_links_other;
SET SESSION AUTHORIZATION regress_links_other;
CREATE TABLE theirs (id int PRIMARY KEY, customer int REFERENCES regress_links.customer, name text);
CREATE TABLE theirs_along (id int PRIMARY KEY, customer int REFERENCES regress_links.customer ON DELETE CASCADE, name text);
SELECT count(*) > 0 AS registered FROM (VALUES ('theirs'), ('theirs_along')) t (name), softdelete.register(name::regclass);
SELECT softdelete.set_anonymizer('theirs', 'name', '''gone'''), softdelete.set_anonymizer('theirs_along', 'name', '''gone''');
SET SESSION AUTHORIZATION regress_links;
INSERT INTO customer VALUES (3, 'Cyd');
SET SESSION AUTHORIZATION regress_links_other;
INSERT INTO theirs VALUES (1, 3, 'Cyd');
INSERT INTO theirs_along VALUES (1, 3, 'Cyd');
SET SESSION AUTHORIZATION regress_links;
SELECT entry -> 'rows' AS rows, entry -> 'not_reached' -> 0 AS not_reached
FROM softdelete.anonymize('customer', 'request 4', 3) AS entry;
SET SESSION AUTHORIZATION regress_links_other;
SELECT t.name, a.name FROM theirs t, theirs_along a;
SET SESSION AUTHORIZATION regress_links;

-- A key that is the personal value itself. A rule for it needs references that follow.
CREATE TABLE member (email text PRIMARY KEY, name text);
CREATE TABLE visit (id int PRIMARY KEY, member text REFERENCES member ON UPDATE CASCADE, host text REFERENCES member ON UPDATE CASCADE, note text);
CREATE TABLE remark (id int PRIMARY KEY, visitor text REFERENCES member, note text);
CREATE TABLE detail (member text REFERENCES member ON UPDATE CASCADE, line int, note text, PRIMARY KEY (member, line));
CREATE TABLE detail_part (member text, line int, part int, PRIMARY KEY (member, line, part),
    FOREIGN KEY (member, line) REFERENCES detail ON UPDATE CASCADE);
SELECT count(*) > 0 AS registered FROM (VALUES ('member'), ('visit'), ('detail')) t (name), softdelete.register(name::regclass);
SELECT softdelete.set_anonymizer('member', 'email', $$'gone-' || gen_random_uuid()$$); -- fails
ALTER TABLE remark DROP CONSTRAINT remark_visitor_fkey;
ALTER TABLE remark ADD FOREIGN KEY (visitor) REFERENCES member ON UPDATE SET NULL;
SELECT softdelete.set_anonymizer('member', 'email', $$'gone-' || gen_random_uuid()$$); -- fails
ALTER TABLE remark DROP CONSTRAINT remark_visitor_fkey;
ALTER TABLE remark ADD FOREIGN KEY (visitor) REFERENCES member ON UPDATE CASCADE;
SELECT softdelete.set_anonymizer('member', 'email', $$'gone-' || gen_random_uuid()$$);
SELECT softdelete.set_anonymizer('member', 'name', 'NULL');
SELECT softdelete.set_anonymizer('visit', 'note', 'NULL');
SELECT softdelete.set_anonymizer('detail', 'note', 'NULL');
SELECT softdelete.set_anonymizer('detail', 'member', 'NULL'); -- fails: the member's to change
SELECT softdelete.set_anonymizer('visit', 'member', 'NULL'); -- fails
INSERT INTO member VALUES ('ada@x', 'Ada'), ('bob@x', 'Bob');
INSERT INTO visit VALUES (1, 'ada@x', 'bob@x', 'late'), (2, 'bob@x', 'ada@x', 'early'), (3, 'bob@x', 'bob@x', 'none');
INSERT INTO remark VALUES (1, 'ada@x', 'loud');
INSERT INTO detail VALUES ('ada@x', 1, 'one'), ('ada@x', 2, 'two'), ('bob@x', 1, 'three');
INSERT INTO detail_part VALUES ('ada@x', 1, 1);
DELETE FROM visit WHERE id = 2;
SELECT softdelete.hold('member', 'ada@x complains', 'ada@x') AS hold \gset
SELECT softdelete.release(:hold);
SELECT entry -> 'rows' AS rows, entry -> 'key' AS key, entry::text ~ 'ada@x' AS names_her,
    entry ->> 'digest' = encode(sha256('ada@x'), 'hex') AS digest FROM softdelete.anonymize('member', 'request 5', 'ada@x') AS entry;
SELECT email ~ '^gone-' AS gone, name FROM member ORDER BY name;
SELECT id, member ~ '^gone-' AS member_gone, host ~ '^gone-' AS host_gone, note FROM all_visit ORDER BY id;
SELECT visitor ~ '^gone-' AS gone, note FROM remark;
SELECT member ~ '^gone-' AS gone, line, note FROM detail ORDER BY 1, 2;
SELECT member ~ '^gone-' AS gone, line, part FROM detail_part;
SELECT count(*) AS holds_that_name_her FROM softdelete.holds h WHERE h::text ~ 'ada@x';
-- A deleted member, and a rule that gives a key that is there.
DELETE FROM visit WHERE 'bob@x' IN (member, host);
DELETE FROM detail WHERE member = 'bob@x';
DELETE FROM member WHERE email = 'bob@x';
SELECT count(*) FROM softdelete.anonymize('member', 'request 6', 'bob@x');
SELECT count(*) AS named FROM all_member WHERE email ~ 'bob' UNION ALL SELECT count(*) FROM all_visit WHERE member ~ 'bob' OR host ~ 'bob';
SELECT softdelete.set_anonymizer('member', 'email', '''gone''');
INSERT INTO member VALUES ('cyd@x', 'Cyd'), ('dan@x', 'Dan');
SELECT count(*) FROM softdelete.anonymize('member', 'request 7', 'cyd@x');
SELECT softdelete.anonymize('member', 'request 8', 'dan@x'); -- fails
SELECT email FROM member WHERE name = 'Dan';

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_links CASCADE;
DROP ROLE regress_links, regress_links_other;
