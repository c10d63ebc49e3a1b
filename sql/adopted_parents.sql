-- A hand-made deleted_at whose deleted rows have live children: register() counts them, and its statement deletes them as
-- well. Then a deletion below them can be restored, and nothing is left to warn of.
CREATE ROLE regress_adopted;
CREATE SCHEMA regress_adopted AUTHORIZATION regress_adopted;
SET SESSION AUTHORIZATION regress_adopted;
SET search_path = regress_adopted;
SET client_min_messages = error;
\pset format unaligned

CREATE TABLE authors (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE books (id int PRIMARY KEY, author int REFERENCES authors ON DELETE CASCADE, gone timestamptz);
CREATE TABLE pages (id int PRIMARY KEY, book int REFERENCES books, also int REFERENCES authors ON DELETE SET NULL);
CREATE INDEX ON books (author);
CREATE INDEX ON pages (book);
CREATE INDEX ON pages (also);
INSERT INTO authors VALUES (1, NULL), (2, '2020-01-01'), (3, '2020-01-01');
INSERT INTO books VALUES (1, 1, NULL), (2, 2, NULL), (3, 2, '2020-01-01'), (4, 3, '2020-01-01'), (5, 2, NULL);
INSERT INTO pages VALUES (1, 1, 2), (2, 2, 2), (3, 3, 3), (4, 4, 3);

-- The children first, under a column of another name; a SET NULL key keeps its link.
SELECT count(*) > 0 AS registered FROM softdelete.register('pages');
SELECT count(*) > 0 AS registered FROM softdelete.register('books', deleted_at => 'gone')
    WHERE object = 'rows of regress_adopted.pages';
SELECT object, command FROM softdelete.register('authors') WHERE object LIKE 'rows of %';

-- Page 2 cannot be restored below book 2 as long as author 2 is gone and book 2 is not.
DELETE FROM books WHERE id = 2; -- fails
DELETE FROM pages WHERE id = 2;
DELETE FROM books WHERE id = 2;
SELECT softdelete.restore('books', 2); -- fails

-- The statements that register() shows.
UPDATE regress_adopted.books AS c SET gone = p.deleted_at FROM regress_adopted.all_authors AS p
    WHERE p.id OPERATOR(pg_catalog.=) c.author AND p.deleted_at IS NOT NULL AND c.gone IS NULL;
SELECT id, author FROM books ORDER BY id;
SELECT count(*) FROM softdelete.plan('authors'); -- fails

-- With all of them at once, where the columns of some are still to be made.
CREATE TABLE shelves (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE boxes (id int PRIMARY KEY, shelf int REFERENCES shelves ON DELETE CASCADE);
CREATE TABLE things (id int PRIMARY KEY, box int REFERENCES boxes ON DELETE CASCADE, deleted_at timestamptz);
CREATE INDEX ON boxes (shelf);
CREATE INDEX ON things (box);
INSERT INTO shelves VALUES (1, NULL), (2, '2020-01-01');
INSERT INTO boxes VALUES (1, 1), (2, 2), (3, 2);
INSERT INTO things VALUES (1, 1), (2, 2), (3, 3);
SELECT object, command FROM softdelete.plan('shelves', cascade => true) WHERE action = 'warning';
SELECT count(*) > 0 AS registered FROM softdelete.register('shelves', cascade => true);
UPDATE regress_adopted.boxes AS c SET deleted_at = p.deleted_at FROM regress_adopted.all_shelves AS p
    WHERE p.id OPERATOR(pg_catalog.=) c.shelf AND p.deleted_at IS NOT NULL AND c.deleted_at IS NULL;
SELECT (SELECT count(*) FROM boxes) AS boxes, (SELECT count(*) FROM things) AS things;
SELECT count(*) FROM softdelete.unregister('shelves', deleted_rows => 'keep') WHERE action = 'warning';
SELECT object FROM softdelete.register('shelves') WHERE action = 'warning' ORDER BY step;

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_adopted CASCADE;
DROP ROLE regress_adopted;
