-- What a DELETE does along foreign keys, for people: cascade_graph draws it for Mermaid, preview_tree lays out a preview as a tree.
\set VERBOSITY terse
CREATE ROLE regress_graph_owner;
CREATE ROLE regress_graph_reader;
CREATE SCHEMA regress_graph AUTHORIZATION regress_graph_owner;
SET SESSION AUTHORIZATION regress_graph_owner;
SET search_path = regress_graph;
SET client_min_messages = error;
CREATE TABLE users (id int PRIMARY KEY, boss int REFERENCES users ON DELETE CASCADE);
CREATE TABLE orders (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE);
CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE, seller int REFERENCES users ON DELETE SET NULL);
CREATE TABLE invoices (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE RESTRICT);
CREATE TABLE stock (id int PRIMARY KEY, item int REFERENCES items);
CREATE TABLE visits (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE);
CREATE TABLE pages (id int PRIMARY KEY, visit int REFERENCES visits ON DELETE CASCADE);
CREATE TABLE tags (tag text, item int REFERENCES items ON DELETE CASCADE, PRIMARY KEY (tag, item));
CREATE INDEX ON users (boss);

-- Before anything is registered: what the server does.
SELECT softdelete.cascade_graph('orders');
SELECT count(*) > 0 AS registered FROM softdelete.register('users', retention => '90 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('orders', retention => '1 year 2 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('items');
SELECT count(*) > 0 AS registered FROM softdelete.register('tags', strategy => 'archive', retention => '3 days');
SELECT softdelete.cascade_graph('users');
-- Below a table whose rows really go.
CREATE TABLE tag_notes (id int PRIMARY KEY, tag text, item int, FOREIGN KEY (tag, item) REFERENCES tags ON DELETE CASCADE);
SELECT softdelete.cascade_graph('tags');

-- Whatever a name is, it is drawn as that name and as nothing else.
CREATE TABLE "a""]; click t1 ""javascript:alert(1)"" %%{init: {}}%%" (id int PRIMARY KEY);
CREATE TABLE "<img src=x onerror=alert(1)>
end --> #quot;`|" (id int PRIMARY KEY, up int CONSTRAINT "style:#x; |""| {{" REFERENCES "a""]; click t1 ""javascript:alert(1)"" %%{init: {}}%%" ON DELETE CASCADE);
SELECT softdelete.cascade_graph('"a""]; click t1 ""javascript:alert(1)"" %%{init: {}}%%"');
SELECT string_agg(line, '') !~ '[^a-z0-9_ .,#;|"<>/\n\[\]A-Z()-]' AS is_plain
    FROM regexp_split_to_table(softdelete.cascade_graph('"a""]; click t1 ""javascript:alert(1)"" %%{init: {}}%%"'), '\n') line;

-- By a partition its table is meant; partitions' own keys are there; heirs' keys too.
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parts DEFAULT;
CREATE TABLE pieces (id int PRIMARY KEY, part int REFERENCES parts ON DELETE CASCADE);
CREATE TABLE line (id int PRIMARY KEY);
CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (line);
CREATE TABLE of_heir (id int PRIMARY KEY, heir int REFERENCES heir ON DELETE SET DEFAULT);
SELECT softdelete.cascade_graph('part');
SELECT softdelete.cascade_graph('line');

-- Catalogs are for everybody; what is no table is an error.
SET SESSION AUTHORIZATION regress_graph_reader;
SET search_path = pg_catalog;
SELECT softdelete.cascade_graph(oid) FROM pg_class WHERE relname = 'invoices' AND relnamespace = 'regress_graph'::regnamespace;
SELECT softdelete.cascade_graph(NULL); -- fails
SELECT softdelete.cascade_graph('pg_class'); -- fails
SELECT softdelete.cascade_graph('pg_views'); -- fails
SELECT softdelete.cascade_graph(4294967295::oid); -- fails
SET SESSION AUTHORIZATION regress_graph_owner;
SET search_path = regress_graph;

-- The preview as a tree: which key leads to which rows, what becomes of them, and the total.
INSERT INTO users VALUES (1, NULL), (2, 1), (3, 2), (4, NULL), (5, NULL);
INSERT INTO orders SELECT i, 1 + i % 3 FROM generate_series(1, 6) i;
INSERT INTO items SELECT i, 1 + i % 6, 4 FROM generate_series(1, 12) i;
INSERT INTO visits VALUES (1, 3), (2, 4);
INSERT INTO tags SELECT 'red', i FROM generate_series(1, 4) i;
SELECT * FROM softdelete.preview_tree('users', 1);
SELECT * FROM softdelete.preview_tree('users', 4);
SELECT * FROM softdelete.preview_tree('users', VARIADIC key => ARRAY['5']);
INSERT INTO invoices VALUES (1, 1), (2, 6);
INSERT INTO stock VALUES (1, 1);
SELECT * FROM softdelete.preview_tree('users', 1);
DO $$ BEGIN
    DELETE FROM users WHERE id = 1;
    RAISE 'not refused';
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN -- in words of the version
END $$;
-- The numbers are those of preview.
SELECT sum(rows) FROM softdelete.preview('users', 1);
SELECT sum(rows) FROM softdelete.preview_tree('users', 1) WHERE tree <> 'total';
-- A deleted row, one that is not there, and who may not.
DELETE FROM users WHERE id = 5;
SELECT * FROM softdelete.preview_tree('users', 5);
SELECT * FROM softdelete.preview_tree('users', 99); -- fails
GRANT USAGE ON SCHEMA regress_graph TO regress_graph_reader;
GRANT SELECT ON users TO regress_graph_reader;
SET SESSION AUTHORIZATION regress_graph_reader;
SELECT * FROM softdelete.preview_tree('regress_graph.users', 1); -- fails
SET SESSION AUTHORIZATION regress_graph_owner;
-- A chain of many levels is readable all the same.
DELETE FROM users WHERE id = 4;
INSERT INTO users SELECT i, nullif(i - 1, 100) FROM generate_series(101, 300) i;
SELECT * FROM softdelete.preview_tree('users', 101) OFFSET 10 LIMIT 5;
SELECT * FROM softdelete.preview_tree('users', 101) OFFSET 199;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_graph_owner, regress_graph_reader;
DROP ROLE regress_graph_owner, regress_graph_reader;
