-- Which tables a registration gives an archive depends neither on the order in which they were made, nor on whether an archive
-- that belongs to one of them is still there.
\set VERBOSITY terse
\set QUIET on
CREATE ROLE regress_choice;
CREATE SCHEMA regress_choice AUTHORIZATION regress_choice;
SET SESSION AUTHORIZATION regress_choice;
SET search_path = regress_choice;
SET client_min_messages = error;
-- a references x, which has an archive; b references a; c references b; all reference n.
CREATE FUNCTION try(tables text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    made text;
    result text;
BEGIN
    CREATE TABLE x (id int PRIMARY KEY);
    PERFORM softdelete.register('x', strategy => 'archive');
    CREATE TABLE n (id int PRIMARY KEY);
    FOREACH made IN ARRAY tables LOOP
        EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, n int REFERENCES n ON DELETE CASCADE, other int)', made);
    END LOOP;
    ALTER TABLE a ADD FOREIGN KEY (other) REFERENCES x;
    ALTER TABLE b ADD FOREIGN KEY (other) REFERENCES a ON DELETE CASCADE;
    ALTER TABLE c ADD FOREIGN KEY (other) REFERENCES b;
    PERFORM softdelete.register('n', cascade => true);
    SELECT string_agg(relation || ' ' || strategy, ', ' ORDER BY relation::text COLLATE "C") INTO result FROM softdelete.tables WHERE relation::text NOT LIKE '%.%';
    RAISE EXCEPTION USING MESSAGE = result, ERRCODE = 'ZZ000'; -- leaves nothing behind
EXCEPTION WHEN OTHERS THEN
    RETURN CASE SQLSTATE WHEN 'ZZ000' THEN sqlerrm ELSE sqlstate || ' ' || sqlerrm END;
END $$;
\set QUIET off
SELECT try(tables), count(*)
    FROM (SELECT ARRAY[one, two, three] AS tables FROM unnest('{a,b,c}'::text[]) one, unnest('{a,b,c}'::text[]) two, unnest('{a,b,c}'::text[]) three
          WHERE one <> two AND two <> three AND one <> three) AS orders
    GROUP BY 1;
-- The reason why a table gets one stands among the steps, and a plan says the same.
\set QUIET on
CREATE TABLE x (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('x', strategy => 'archive') \gset
CREATE TABLE n (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY, n int REFERENCES n ON DELETE CASCADE, other int);
CREATE TABLE a (id int PRIMARY KEY, n int REFERENCES n ON DELETE CASCADE, other int REFERENCES x);
ALTER TABLE b ADD FOREIGN KEY (other) REFERENCES a;
\set QUIET off
SELECT relation, object, action, command FROM softdelete.plan('n', cascade => true) WHERE object LIKE 'strategy%' ORDER BY step;
SELECT relation, object, action, command FROM softdelete.register('n', cascade => true) WHERE object LIKE 'strategy%' ORDER BY step;
-- An archive that somebody has dropped leaves its table registered: nothing registers it a second time, in another way.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
CREATE TABLE grandchild (id int PRIMARY KEY, child int REFERENCES child ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('child', strategy => 'archive');
SET row_security = off;
DROP TABLE child_archive CASCADE;
RESET row_security;
SELECT DISTINCT relation::text COLLATE "C" FROM softdelete.plan('parent', cascade => true) ORDER BY 1;
SELECT DISTINCT relation::text COLLATE "C" FROM softdelete.plan('parent', strategy => 'flag', cascade => true) ORDER BY 1;
SELECT DISTINCT relation::text COLLATE "C" FROM softdelete.plan('parent', strategy => 'archive', cascade => true) ORDER BY 1;
SELECT count(*) > 0 AS registered FROM softdelete.register('parent', cascade => true);
SELECT relation, strategy FROM softdelete.tables WHERE relation::text ~ 'parent|child' ORDER BY relation::text COLLATE "C";
SELECT softdelete.register('child'); -- fails
SELECT softdelete.configure('child', retention => '1 day'); -- fails
SELECT attname FROM pg_attribute WHERE attrelid = 'child'::regclass AND attnum > 0;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_choice CASCADE;
DROP OWNED BY regress_choice;
DROP ROLE regress_choice;
