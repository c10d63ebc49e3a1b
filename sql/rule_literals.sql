-- No rule for anonymization is read with the constraints of a domain: they are code of users, and whoever changes something that the rule
-- names has it read, as the owner of its table. A literal that has values of a domain in it is read when the rule runs.
CREATE ROLE regress_literals_owner;
CREATE SCHEMA regress_literals AUTHORIZATION regress_literals_owner;
SET SESSION AUTHORIZATION regress_literals_owner;
SET search_path = regress_literals;
SET client_min_messages = warning;
CREATE FUNCTION looked_at(value text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'the domain was asked'; RETURN value <> 'bad'; END $$;
CREATE DOMAIN label AS text CHECK (regress_literals.looked_at(VALUE));
CREATE DOMAIN "Many labels" AS label[];
CREATE TYPE pair AS (first label, second int);
CREATE TYPE outer_pair AS (inside pair, note text);
CREATE TYPE plain AS (first text, second int);
CREATE TYPE span AS RANGE (subtype = label, multirange_type_name = spans);
CREATE DOMAIN small AS varchar(3);
CREATE FUNCTION take(pair) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1).first::text';
CREATE TABLE t (id int PRIMARY KEY, one label, many label[], named "Many labels", p pair, o outer_pair, s span, ss spans, pl plain, txt text, sm small, d date);
SELECT count(*) > 0 AS registered FROM softdelete.register('t');
CREATE FUNCTION rule(col name, expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    PERFORM softdelete.set_anonymizer('regress_literals.t', col, expression);
    RETURN (SELECT a.expression FROM softdelete.anonymizers a WHERE a.relation = 'regress_literals.t'::regclass AND a.column_name = col);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s %s', SQLSTATE, SQLERRM, hint);
END $$;
SELECT col, expression, rule(col, expression) FROM (VALUES
    ('many', $$'{a}'$$), ('many', $$'{a}'::regress_literals.label[]$$), ('many', $$CASE WHEN id > 1 THEN many ELSE '{a}' END$$), ('named', $$'{a}'$$), ('p', $$'(a,1)'$$), ('p', $$coalesce(p, '(a,1)')$$),
    ('o', $$'("(a,1)",b)'$$), ('s', $$'[a,b]'$$), ('ss', $$'{[a,b]}'$$), ('txt', $$regress_literals.take('(a,1)')$$), ('txt', $$array_to_string('{a}'::regress_literals.label[], ',')$$), ('txt', $$(('(a,1)'::regress_literals.pair).first)$$),
    ('txt', $$CASE WHEN many = '{a}' THEN 'x' END$$)) v (col, expression);
-- All other ones are what they were.
SELECT col, expression, rule(col, expression) FROM (VALUES
    ('one', $$'a'$$), ('one', $$'a'::regress_literals.label$$), ('many', $$ARRAY['a', 'b']::regress_literals.label[]$$), ('p', $$ROW('a', 1)::regress_literals.pair$$), ('o', $$ROW(ROW('a', 1), 'b')$$), ('p', $$ROW('a', 1)$$), ('pl', $$'(a,1)'$$), ('sm', $$'abc'$$), ('d', $$'2020-01-01'$$), ('d', $$date '2020-01-01' + interval '1 day'$$),
    ('txt', $$'x' || id || 'y'$$), ('txt', $$concat('a', txt, NULL, 'b')$$), ('txt', $$CASE WHEN txt IN ('a', 'b') THEN 'c' WHEN txt LIKE 'x%' THEN NULL ELSE 'd' END$$),
    ('txt', $$extract(year FROM d)::text || to_char(d, 'YYYY')$$), ('txt', $$format('%s-%s', id, 'z') COLLATE "C"$$)) v (col, expression);
-- The domain is asked when the rule runs, and what it refuses is no value.
SELECT rule('many', $$'{a}'$$), rule('p', $$coalesce('(a,1)', p)$$), rule('named', $$'{b}'$$), rule('o', $$'("(a,1)",b)'$$), rule('s', $$'[a,b]'$$), rule('d', 'NULL'), rule('txt', 'NULL');
SET client_min_messages = error;
INSERT INTO t (id, one, many, p) VALUES (1, 'first', '{second}', '(third,3)');
SELECT softdelete.anonymize('t', 'a wish', 1) -> 'rows' AS rows;
SELECT id, one, many, named, p, o, s FROM t;
SELECT rule('p', $$ROW('c', 2)$$), rule('o', $$ROW(ROW('a', 1), 'b')$$);
SELECT softdelete.anonymize('t', 'a wish', 1) -> 'rows' AS rows;
SELECT p, o FROM t;
SELECT rule('many', $$'{a,bad}'$$);
SELECT softdelete.anonymize('t', 'a wish', 1); -- fails
SELECT rule('many', NULL);
SET client_min_messages = warning;
-- Commands about what rules name ask no domain, whoever runs them.
ALTER TABLE t RENAME COLUMN txt TO "Te xt";
ALTER TYPE plain ADD ATTRIBUTE third int;
ALTER TABLE t ALTER COLUMN id TYPE bigint;
SELECT code, object, message FROM softdelete.check('t') WHERE code = 'unfit_rule';
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_literals CASCADE;
DROP OWNED BY regress_literals_owner;
DROP ROLE regress_literals_owner;
