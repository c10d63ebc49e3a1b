-- What restore and undo ask of tables, their registration and their foreign keys is read once in a session, and again when a
-- definition has changed.
\set QUIET on
CREATE ROLE regress_kept_definitions;
CREATE ROLE regress_kept_other;
CREATE SCHEMA regress_kept_definitions AUTHORIZATION regress_kept_definitions;
SET SESSION AUTHORIZATION regress_kept_definitions;
SET search_path = regress_kept_definitions;
SET client_min_messages = warning;
CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE, other int);
CREATE INDEX ON orders (customer);
CREATE INDEX ON orders (other);
SELECT count(*) > 0 AS registered FROM softdelete.register('customers', cascade => true);
INSERT INTO customers SELECT generate_series(1, 20);
INSERT INTO orders SELECT g, g % 20 + 1 FROM generate_series(1, 100) g;
CREATE FUNCTION reads(catalog name) RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce(sum(seq_scan + idx_scan), 0) FROM pg_stat_xact_all_tables WHERE relname = catalog
$$;
-- How often a command reads a catalog, or a table of softdelete's.
CREATE FUNCTION count_reads(command text, catalog name) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint := reads(catalog);
BEGIN
    EXECUTE command;
    RETURN reads(catalog) - before;
END
$$;
CREATE FUNCTION id_of(customer int) RETURNS bigint LANGUAGE sql AS 'SELECT deletion_id FROM all_customers WHERE id = customer';
\set QUIET off
DELETE FROM customers WHERE id = 1;
DELETE FROM customers WHERE id = 2;
DELETE FROM customers WHERE id = 3;
DELETE FROM customers WHERE id = 4;
DELETE FROM customers WHERE id = 8;
DELETE FROM customers WHERE id = 9;

-- The first of a session reads all keys of each table, the next ones ask less of that catalog than once for each side of each.
SELECT softdelete.undo(id_of(1));
SELECT count_reads('SELECT softdelete.undo(id_of(2))', 'pg_constraint') < 5 AS few;
SELECT count_reads('SELECT softdelete.undo(id_of(8))', 'registration') < 5 AS few;
SELECT softdelete.restore('customers', 3);
SELECT count_reads('SELECT softdelete.restore(''customers'', 4)', 'pg_constraint') < 5 AS few;
SELECT count_reads('SELECT softdelete.restore(''customers'', 9)', 'registration') < 5 AS few;
SELECT count(*) FROM orders;

-- A definition changes: in the transaction at hand, under a savepoint that rolls back, by a new name of a column.
DELETE FROM customers WHERE id = 5;
DELETE FROM orders WHERE id = 6;
BEGIN;
SAVEPOINT s;
ALTER TABLE orders DROP CONSTRAINT orders_customer_fkey;
SELECT softdelete.restore('orders', 6);
ROLLBACK TO s;
SELECT softdelete.restore('orders', 6);
COMMIT;
DELETE FROM customers WHERE id = 6;
DELETE FROM customers WHERE id = 7;
ALTER TABLE orders RENAME COLUMN customer TO "the Customer";
SELECT softdelete.restore('customers', 6);
ALTER TABLE customers RENAME TO "Clients";
SELECT softdelete.restore('"Clients"', 7);
UPDATE orders SET other = 15 WHERE id = 1;
ALTER TABLE orders ADD FOREIGN KEY (other) REFERENCES "Clients";
DELETE FROM "Clients" WHERE id = 15; -- fails
DELETE FROM orders WHERE id = 1;
DELETE FROM "Clients" WHERE id = 15;
\set VERBOSITY terse
SELECT softdelete.restore('orders', 1); -- fails
\set VERBOSITY default
ALTER TABLE orders DROP CONSTRAINT orders_other_fkey;
SELECT softdelete.restore('orders', 1);
SELECT softdelete.restore('"Clients"', 15);
SELECT count(*) FROM orders;

-- Statements whose plans are kept follow the schema and the owners, and give the next role of the session no right.
DELETE FROM "Clients" WHERE id BETWEEN 10 AND 14;
SELECT softdelete.restore('"Clients"', 10);
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA regress_kept_definitions TO regress_kept_other;
SET SESSION AUTHORIZATION regress_kept_other;
SELECT softdelete.restore('regress_kept_definitions."Clients"', 11); -- fails
RESET SESSION AUTHORIZATION;
GRANT SELECT, UPDATE ON "Clients" TO regress_kept_other;
SET SESSION AUTHORIZATION regress_kept_other;
SELECT softdelete.restore('regress_kept_definitions."Clients"', 11);
RESET SESSION AUTHORIZATION;
ALTER SCHEMA regress_kept_definitions RENAME TO "regress Kept definitions";
SET search_path = "regress Kept definitions";
SET SESSION AUTHORIZATION regress_kept_definitions;
SELECT softdelete.restore('"Clients"', 12);
RESET SESSION AUTHORIZATION;
ALTER TABLE orders OWNER TO regress_kept_other;
SET SESSION AUTHORIZATION regress_kept_definitions;
SELECT softdelete.restore('"Clients"', 13);
RESET SESSION AUTHORIZATION;
ALTER TABLE "Clients" OWNER TO regress_kept_other;
SET SESSION AUTHORIZATION regress_kept_definitions;
SELECT softdelete.restore('"Clients"', 14); -- fails
SET SESSION AUTHORIZATION regress_kept_other;
SELECT softdelete.restore('"Clients"', 14);
SELECT count(*) FROM orders;

\set QUIET on
SET client_min_messages = error;
RESET SESSION AUTHORIZATION;
DROP SCHEMA "regress Kept definitions" CASCADE;
DROP ROLE regress_kept_definitions, regress_kept_other;
