-- Softdelete acts as a table's owner, as foreign keys do, who then needs USAGE on the table's schema. A superuser may leave
-- him without: by SET SCHEMA, by OWNER TO, by REVOKE. What needs it fails and says so; nothing is half done, and all is well
-- again with the privilege.
\set QUIET on
CREATE ROLE regress_usage_owner;
CREATE ROLE regress_usage_heir;
CREATE ROLE regress_usage_writer;
CREATE SCHEMA regress_usage AUTHORIZATION regress_usage_owner;
CREATE SCHEMA regress_usage_closed;
GRANT USAGE ON SCHEMA regress_usage, regress_usage_closed TO regress_usage_writer;
-- Runs a statement as somebody. Returns what came of it: rows, or the error with its hint.
CREATE FUNCTION regress_usage.try(login text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE rows bigint; message text; hint text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', login);
    EXECUTE command;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RESET ROLE;
    RETURN rows || ' rows';
EXCEPTION WHEN insufficient_privilege THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', message, nullif(hint, ''));
END $$;
CREATE PROCEDURE regress_usage.try_all() LANGUAGE plpgsql AS $$
DECLARE step record; outcome text;
BEGIN
    FOR step IN SELECT * FROM (VALUES
        ('regress_usage_writer', 'SELECT FROM %1$s'),
        ('regress_usage_writer', 'DELETE FROM %2$s WHERE id = 1'),
        ('regress_usage_writer', 'INSERT INTO %1$s VALUES (4)'),
        ('regress_usage_writer', 'INSERT INTO %2$s VALUES (4, 3)'),
        ('regress_usage_writer', 'DELETE FROM %1$s WHERE id = 2'),
        ('postgres', 'SELECT softdelete.restore(''%2$s'', 1)'),
        ('postgres', 'SELECT softdelete.preview(''%1$s'', 2)'),
        ('postgres', 'SELECT softdelete.hold(''%1$s'', ''case'', 2)'),
        ('postgres', 'SELECT softdelete.erase(''%1$s'', ''request'', 2)'),
        ('postgres', 'ALTER TABLE %1$s ADD COLUMN note text'),
        ('postgres', 'SELECT softdelete.configure(''%1$s'', retention => ''1 day'')'),
        ('postgres', 'SELECT softdelete.unregister(''%1$s'', deleted_rows => ''keep'')')) s (login, command)
    LOOP
        BEGIN
            outcome := regress_usage.try(replace(step.login, 'postgres', session_user),
                format(step.command, current_setting('regress.parents'), current_setting('regress.children')));
            RAISE NOTICE '%: %', format(step.command, 'parents', 'children'), outcome;
            RAISE EXCEPTION USING ERRCODE = 'XX999';
        EXCEPTION WHEN SQLSTATE 'XX999' THEN
        END;
    END LOOP;
END $$;
SET ROLE regress_usage_owner;
CREATE TABLE regress_usage.parents (id int PRIMARY KEY);
CREATE TABLE regress_usage.children (id int PRIMARY KEY, parent int REFERENCES regress_usage.parents ON DELETE CASCADE);
INSERT INTO regress_usage.parents VALUES (1), (2), (3);
INSERT INTO regress_usage.children VALUES (1, 1), (2, 2), (3, 3);
GRANT ALL ON regress_usage.parents, regress_usage.children TO regress_usage_writer;
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('regress_usage.parents', cascade => true) \g /dev/null
RESET client_min_messages;
RESET ROLE;
DELETE FROM regress_usage.children WHERE id = 1;
\set QUIET off

-- With the privilege.
SET regress.parents = 'regress_usage.parents';
SET regress.children = 'regress_usage.children';
UPDATE regress_usage.children SET deleted_at = NULL WHERE id = 1;
CALL regress_usage.try_all();

-- By REVOKE.
REVOKE USAGE ON SCHEMA regress_usage FROM regress_usage_owner;
CALL regress_usage.try_all();
GRANT USAGE ON SCHEMA regress_usage TO regress_usage_owner;

-- By OWNER TO.
ALTER TABLE regress_usage.parents OWNER TO regress_usage_heir;
ALTER TABLE regress_usage.children OWNER TO regress_usage_heir;
CALL regress_usage.try_all();
ALTER TABLE regress_usage.parents OWNER TO regress_usage_owner;
ALTER TABLE regress_usage.children OWNER TO regress_usage_owner;

-- By SET SCHEMA.
ALTER TABLE regress_usage.parents SET SCHEMA regress_usage_closed;
ALTER TABLE regress_usage.children SET SCHEMA regress_usage_closed;
SET regress.parents = 'regress_usage_closed.parents';
SET regress.children = 'regress_usage_closed.children';
CALL regress_usage.try_all();
GRANT USAGE, CREATE ON SCHEMA regress_usage_closed TO regress_usage_owner;
CALL regress_usage.try_all();
SELECT count(*) FROM softdelete.repair('regress_usage_closed.parents');

-- A function of a user's that lacks a privilege is another matter.
CREATE FUNCTION regress_usage.peek() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM regress_usage_closed.parents';
ALTER FUNCTION regress_usage.peek() OWNER TO regress_usage_heir;
\set VERBOSITY terse
SELECT regress_usage.peek(); -- fails
\set VERBOSITY default

\set QUIET on
SET client_min_messages = error;
DROP SCHEMA regress_usage, regress_usage_closed CASCADE;
DROP ROLE regress_usage_owner, regress_usage_heir, regress_usage_writer;
