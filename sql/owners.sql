-- Tables of different owners: as with foreign keys themselves, the child's owner needs REFERENCES on the parent and
-- nothing else, and nobody learns what he may not read.
CREATE ROLE regress_owners_shop;
CREATE ROLE regress_owners_mail;
CREATE ROLE regress_owners_app;
CREATE ROLE regress_owners_reader;
-- The ids of deletions are in messages.
SELECT setval('softdelete_internal.deletion_id_seq', 70000);
CREATE SCHEMA regress_shop AUTHORIZATION regress_owners_shop;
CREATE SCHEMA regress_mail AUTHORIZATION regress_owners_mail;
SET ROLE regress_owners_shop;
GRANT USAGE ON SCHEMA regress_shop TO regress_owners_mail, regress_owners_app, regress_owners_reader;
CREATE TABLE regress_shop.users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE regress_shop.lists (id int PRIMARY KEY);
GRANT REFERENCES ON regress_shop.users, regress_shop.lists TO regress_owners_mail;
GRANT SELECT, INSERT, UPDATE, DELETE ON regress_shop.users TO regress_owners_app;
GRANT SELECT ON regress_shop.users TO regress_owners_reader;
SELECT count(*) > 0 AS registered FROM softdelete.register('regress_shop.users');
SELECT count(*) > 0 AS registered FROM softdelete.register('regress_shop.lists');
SET ROLE regress_owners_mail;
CREATE TABLE regress_mail.letters (
    id int PRIMARY KEY, user_id int REFERENCES regress_shop.users ON DELETE CASCADE,
    list_id int REFERENCES regress_shop.lists ON DELETE CASCADE, code text UNIQUE);
CREATE TABLE regress_mail.pages (id int PRIMARY KEY, letter_id int REFERENCES regress_mail.letters ON DELETE CASCADE);
CREATE INDEX ON regress_mail.letters (user_id);
CREATE INDEX ON regress_mail.letters (list_id);
CREATE INDEX ON regress_mail.pages (letter_id);
SELECT count(*) > 0 AS registered FROM softdelete.register('regress_mail.letters', cascade => true);
RESET ROLE;
INSERT INTO regress_shop.users VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO regress_shop.lists VALUES (1);
INSERT INTO regress_mail.letters SELECT g, 1 + g % 2, 1, 'code' || g FROM generate_series(1, 4) g;
INSERT INTO regress_mail.pages SELECT g, 1 + g % 4 FROM generate_series(1, 8) g;
\pset format unaligned

-- Everything by a role that has nothing to do with the child tables. Row security of either table hides nothing from
-- foreign keys, and the child's owner may even lose sight of the parent's schema.
CREATE FUNCTION there_and_back() RETURNS TABLE (what text, relation text, action text, n bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    id bigint;
BEGIN
    RETURN QUERY SELECT 'preview'::text, p.relation::text, p.action, p.rows FROM softdelete.preview('regress_shop.users', 1) p;
    DELETE FROM regress_shop.users WHERE users.id = 1 RETURNING deletion_id INTO id;
    RETURN QUERY SELECT 'conflicts'::text, NULL::text, NULL::text, count(*) FROM softdelete.conflicts(id);
    RETURN QUERY SELECT 'restore'::text, NULL::text, NULL::text, softdelete.restore('regress_shop.users', 1);
    PERFORM set_config('softdelete.reason', id::text, true);
    DELETE FROM regress_shop.users WHERE users.id = 1 RETURNING deletion_id INTO id;
    RETURN QUERY SELECT 'undo'::text, NULL::text, NULL::text, softdelete.undo(id);
END $$;
SET ROLE regress_owners_app;
SELECT * FROM there_and_back();
RESET ROLE;
ALTER TABLE regress_shop.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE regress_shop.users FORCE ROW LEVEL SECURITY;
ALTER TABLE regress_mail.letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE regress_mail.letters FORCE ROW LEVEL SECURITY;
CREATE POLICY app ON regress_shop.users TO regress_owners_app USING (true);
REVOKE USAGE ON SCHEMA regress_shop FROM regress_owners_mail;
SET ROLE regress_owners_app;
SELECT * FROM there_and_back();

-- Many rows take another query.
RESET ROLE;
INSERT INTO regress_mail.letters SELECT g, 3, NULL, 'many' || g FROM generate_series(101, 400) g;
INSERT INTO regress_mail.pages SELECT g, g FROM generate_series(101, 400) g;
SET ROLE regress_owners_app;
DELETE FROM regress_shop.users WHERE id = 3;
SELECT softdelete.restore('regress_shop.users', 3);

-- A row below that has another deleted parent waits, and blocks undo; both say so without a word of what is in it.
DELETE FROM regress_shop.users WHERE id = 2 RETURNING deletion_id AS deletion \gset
RESET ROLE;
DELETE FROM regress_shop.lists WHERE id = 1;
SET ROLE regress_owners_app;
SELECT relation::text, key, reason, detail FROM softdelete.conflicts(:deletion);
SELECT softdelete.undo(:deletion); -- fails
SELECT softdelete.restore('regress_shop.users', 2);
DELETE FROM regress_shop.users WHERE id = 2;
RESET ROLE;
SELECT relation::text, key, reason, detail FROM softdelete.conflicts(:deletion);
SELECT softdelete.undo(:deletion); -- fails
SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'regress_shop.lists'::regclass;

-- Likewise a value of the child's that a live row has taken.
DELETE FROM regress_shop.users WHERE id = 1 RETURNING deletion_id AS deletion \gset
INSERT INTO regress_mail.letters VALUES (9, NULL, NULL, 'code2');
SET ROLE regress_owners_app;
SELECT relation::text, key, reason, detail FROM softdelete.conflicts(:deletion);
SELECT softdelete.undo(:deletion); -- fails
RESET ROLE;
SELECT relation::text, key, reason, detail FROM softdelete.conflicts(:deletion);

-- Who can neither read nor restore all of it learns nothing.
SET ROLE regress_owners_reader;
SELECT * FROM softdelete.conflicts(:deletion); -- fails
SELECT softdelete.undo(:deletion); -- fails
SELECT * FROM softdelete.preview('regress_shop.users', 1); -- fails

-- A new foreign key is looked through likewise.
SET ROLE regress_owners_mail;
CREATE TABLE regress_mail.drafts (id int PRIMARY KEY, user_id int);
RESET ROLE;
INSERT INTO regress_shop.users VALUES (9, 'z');
INSERT INTO regress_mail.drafts VALUES (1, 9);
DELETE FROM regress_shop.users WHERE id = 9;
GRANT USAGE ON SCHEMA regress_shop TO regress_owners_mail;
SET ROLE regress_owners_mail;
ALTER TABLE regress_mail.drafts ADD FOREIGN KEY (user_id) REFERENCES regress_shop.users; -- warns

-- The mark that lets our statements read is not to be had by writing their text.
SET ROLE regress_owners_mail;
/* softdelete */ SELECT FROM regress_shop.users AS p; -- fails
RESET ROLE;
\set VERBOSITY terse
SET client_min_messages = warning;
DROP FUNCTION there_and_back();
DROP SCHEMA regress_shop, regress_mail CASCADE;
DROP ROLE regress_owners_shop, regress_owners_mail, regress_owners_app, regress_owners_reader;
