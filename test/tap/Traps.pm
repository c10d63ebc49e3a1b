# Traps for whoever runs SQL in a database, and a spy. A trap does what its name says, and tells the server's log where it
# runs as another role than the one that owns it. `sightings` reads them.
package Traps;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

# The spy, and a schema full of traps of that role: its own version of everything in pg_catalog that SQL can name.
sub schema_of_traps
{
	my ($role) = @_;
	return <<"SQL" . shadows();
CREATE SCHEMA $role AUTHORIZATION $role;
GRANT USAGE ON SCHEMA $role TO PUBLIC;
SET SESSION AUTHORIZATION $role;
SET search_path = pg_catalog;
@{[ spy($role) ]}
SQL
}

# $more: what else it does.
sub spy
{
	my ($role, $more) = @_;
	$more //= '';
	return <<"SQL";
CREATE FUNCTION $role.spy(trap text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS \$\$
BEGIN
	IF current_user <> '$role' THEN
		RAISE LOG 'softdelete-spy: % of $role runs as % (session of %)', trap, current_user, session_user;
	END IF;
	IF current_setting('session_replication_role') <> 'origin' THEN
		RAISE LOG 'softdelete-spy: % of $role runs where triggers do not fire', trap;
	END IF;
	$more
	RETURN true;
END \$\$;
SQL
}

# Built by loops over the catalogs, so that a name that is used one day has its trap already. current_schema is not it:
# the schema is that of the session's role.
sub shadows
{
	return <<'SQL';
-- Operators, as they are and between types that the server would have to cast for its own.
CREATE FUNCTION pg_temp.make_operator(operator text, l text, r text, result text) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
	name text := format('op_%s', md5(operator || l || r));
	mine text := session_user;
BEGIN
	EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql IMMUTABLE AS %L', mine, name,
		concat_ws(', ', nullif(l, '-'), r), result,
		format('BEGIN PERFORM %I.spy(%L); RETURN %s OPERATOR(pg_catalog.%s) %s; END', mine,
			'operator ' || concat_ws(' ', l, operator, r),
			CASE WHEN l = '-' THEN '' ELSE '$1' END, operator, CASE WHEN l = '-' THEN '$1' ELSE '$2' END));
	EXECUTE format('CREATE OPERATOR %I.%s (%s RIGHTARG = %s, FUNCTION = %I.%I)', mine, operator,
		CASE WHEN l = '-' THEN '' ELSE format('LEFTARG = %s,', l) END, r, mine, name);
EXCEPTION WHEN OTHERS THEN
	NULL; -- not every operator can be made anew
END $body$;
DO $$
DECLARE
	o record;
	pairs text[] := '{regclass,oid,oid,regclass,regclass,regclass,regproc,oid,oid,regproc,regtype,oid,regnamespace,oid,oid,int4,oid,int8,
		varchar,varchar,varchar,text,text,varchar,oid[],oid[],text[],text[],name[],name[],name[],text[],
		int8[],int8[],int2[],int2[],regclass[],regclass[],int2vector,int2vector,int4,oid,int8,oid,text,int4,text,oid,text,regclass,text,name}';
BEGIN
	FOR o IN SELECT oprname, coalesce(nullif(oprleft, 0)::regtype::text, '-') AS l, oprright::regtype::text AS r, oprresult::regtype::text AS result
		FROM pg_operator
		WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprcode <> 0
	LOOP
		PERFORM pg_temp.make_operator(o.oprname, o.l, o.r, o.result);
	END LOOP;
	FOR i IN 1 .. array_length(pairs, 1) BY 2 LOOP
		PERFORM pg_temp.make_operator(operator, pairs[i], pairs[i + 1], CASE operator WHEN '||' THEN 'text' ELSE 'boolean' END)
		FROM unnest('{=,<>,<,<=,>,>=,~~,||,@>,<@,&&}'::text[]) operator;
	END LOOP;
END $$;
-- Functions, then aggregates.
DO $$
DECLARE
	f record;
	mine text := session_user;
BEGIN
	FOR f IN SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, format_type(p.prorettype, NULL) AS result,
			p.proretset, p.oid::regprocedure AS title, (SELECT string_agg('$' || i, ', ') FROM generate_series(1, p.pronargs) i) AS values
		FROM pg_proc p
		WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.pronargs <= 4 AND p.provariadic = 0
		  AND p.proallargtypes IS NULL AND p.proname NOT LIKE '%hash%' AND p.proname NOT LIKE 'binary_upgrade%'
		  AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = ANY (p.proargtypes::oid[] || p.prorettype) AND t.typtype = 'p'
			AND t.typname NOT IN ('anyelement', 'anyarray', 'void'))
	LOOP
		BEGIN
			EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s %s LANGUAGE plpgsql IMMUTABLE AS %L', mine, f.proname, f.arguments,
				CASE WHEN f.proretset THEN 'SETOF' ELSE '' END, f.result,
				format('BEGIN PERFORM %I.spy(%L); %s pg_catalog.%I(%s); END', mine, 'function ' || f.title,
					CASE WHEN f.proretset THEN 'RETURN QUERY SELECT * FROM' WHEN f.result = 'void' THEN 'PERFORM' ELSE 'RETURN' END,
					f.proname, f.values));
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
	FOR f IN SELECT a.name, t.type, format('aggregate_%s_%s', a.name, row_number() OVER ()) AS step
		FROM unnest('{min,max,count,array_agg,bool_or,bool_and}'::text[]) a (name),
			unnest('{int2,int4,int8,oid,text,name,timestamptz,boolean,regclass}'::text[]) t (type)
	LOOP
		EXECUTE format('CREATE FUNCTION %I.%I(int8, %s) RETURNS int8 LANGUAGE plpgsql IMMUTABLE AS %L', mine, f.step, f.type,
			format('BEGIN PERFORM %I.spy(%L); RETURN $1 OPERATOR(pg_catalog.+) 1::pg_catalog.int8; END', mine, 'aggregate ' || f.name));
		EXECUTE format('CREATE AGGREGATE %I.%I (%s) (SFUNC = %I.%I, STYPE = int8, INITCOND = ''0'')', mine, f.name, f.type, mine, f.step);
	END LOOP;
	EXECUTE format('CREATE FUNCTION %I.count_step(int8) RETURNS int8 LANGUAGE plpgsql IMMUTABLE AS %L', mine,
		format('BEGIN PERFORM %I.spy(''aggregate count''); RETURN $1 OPERATOR(pg_catalog.+) 1::pg_catalog.int8; END', mine));
	EXECUTE format('CREATE AGGREGATE %I.count (*) (SFUNC = %I.count_step, STYPE = int8, INITCOND = ''0'')', mine, mine);
END $$;
-- Types, and relations of the server's and of the extension's.
DO $$
DECLARE
	r record;
	mine text := session_user;
BEGIN
	FOR r IN SELECT t.typname FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AND t.typelem = 0
		AND t.typname NOT LIKE '\_%'
	LOOP
		BEGIN
			EXECUTE format('CREATE DOMAIN %I.%I AS pg_catalog.%I CHECK (VALUE IS NULL OR %I.spy(%L))', mine, r.typname, r.typname, mine,
				'type ' || r.typname);
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
	FOR r IN SELECT c.oid::regclass AS title, c.relname FROM pg_class c
		WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'softdelete', 'softdelete_internal'))
		  AND c.relkind IN ('r', 'v', 'S')
	LOOP
		BEGIN
			EXECUTE format('CREATE VIEW %I.%I AS SELECT * FROM %s WHERE %I.spy(%L)', mine, r.relname, r.title, mine, 'relation ' || r.title);
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
END $$;
SELECT 'traps', (SELECT count(*) > 600 FROM pg_operator WHERE oprnamespace = session_user::regnamespace),
	(SELECT count(*) > 1500 FROM pg_proc WHERE pronamespace = session_user::regnamespace),
	(SELECT count(*) > 100 FROM pg_class WHERE relnamespace = session_user::regnamespace AND relkind = 'v'),
	(SELECT count(*) > 50 FROM pg_type WHERE typnamespace = session_user::regnamespace AND typtype = 'd');
RESET SESSION AUTHORIZATION;
SQL
}

# Tables of the role eve, in a schema of that name, with code in everything that PostgreSQL runs by itself. The function
# trap_command is for event triggers, which a superuser has to create.
sub tables_of_traps
{
	return <<'SQL' . spy('eve', 'PERFORM eve.lie_in_wait(trap);') . <<'SQL2';
CREATE SCHEMA eve AUTHORIZATION eve;
GRANT USAGE ON SCHEMA eve TO PUBLIC;
SET SESSION AUTHORIZATION eve;
SET search_path = pg_catalog;
-- What a trap leaves behind, to run later as whoever is there then: a deferred trigger and a cursor, which run at COMMIT, a
-- temporary table and a path that shadow what others name. Where that is refused nothing is left.
CREATE TABLE eve.lurking (trap text, xid xid8, PRIMARY KEY (trap, xid));
CREATE FUNCTION eve.lurk() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS
	$$ BEGIN PERFORM eve.look_around('deferred by ' || new.trap); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER lurk AFTER INSERT ON eve.lurking DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eve.lurk();
CREATE FUNCTION eve.look_around(trap text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	IF current_user <> 'eve' THEN
		RAISE LOG 'softdelete-spy: % of eve runs as % (session of %)', trap, current_user, session_user;
	END IF;
	RETURN true;
END $$;
CREATE FUNCTION eve.lie_in_wait(trap text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		INSERT INTO eve.lurking VALUES (trap, pg_catalog.pg_current_xact_id()) ON CONFLICT DO NOTHING;
	EXCEPTION WHEN OTHERS THEN NULL;
	END;
	BEGIN
		EXECUTE pg_catalog.format('DECLARE %I CURSOR WITH HOLD FOR SELECT eve.look_around(%L)', trap, 'cursor of ' || trap);
	EXCEPTION WHEN OTHERS THEN NULL;
	END;
	BEGIN
		IF trap NOT LIKE 'event trigger %' THEN -- which this would fire
			CREATE TEMPORARY TABLE registration ();
		END IF;
	EXCEPTION WHEN OTHERS THEN NULL;
	END;
	PERFORM pg_catalog.set_config('search_path', 'eve, pg_catalog', false), pg_catalog.set_config('lock_timeout', '123456', false);
END $$;
SQL
SET search_path = eve;
CREATE FUNCTION trap(anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog
	AS 'BEGIN PERFORM eve.spy(''expression''); RETURN $1; END';
CREATE FUNCTION trap_trigger() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS
	'BEGIN PERFORM eve.spy(format(''trigger %s %s %s of %s'', tg_name, tg_when, tg_op, tg_table_name)); RETURN coalesce(new, old); END';
CREATE DOMAIN code AS int CHECK (trap(VALUE) > 0);
CREATE DOMAIN moment AS timestamptz CHECK (VALUE IS NULL OR trap(VALUE) IS NOT NULL);
CREATE DOMAIN label AS text DEFAULT trap('label'::text) CHECK (trap(VALUE) <> 'no');
CREATE TYPE pair AS (a code, b label);
CREATE FUNCTION to_text(pair) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS
	$$ BEGIN PERFORM eve.spy('cast to text'); RETURN ($1).a || '/' || ($1).b; END $$;
CREATE FUNCTION to_json(pair) RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog AS
	$$ BEGIN PERFORM eve.spy('cast to json'); RETURN '"x"'; END $$;
CREATE CAST (pair AS text) WITH FUNCTION to_text(pair) AS ASSIGNMENT;
CREATE CAST (pair AS json) WITH FUNCTION to_json(pair);
CREATE FUNCTION difference(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog
	AS 'BEGIN PERFORM eve.spy(''range''); RETURN $1 - $2; END';
CREATE TYPE span AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = difference);
CREATE TABLE parents (
	id pair PRIMARY KEY, name label UNIQUE CHECK (trap(name) <> ''), email text DEFAULT trap('e'::text), valid span,
	gone_at moment, copied text GENERATED ALWAYS AS (trap(email)) STORED, UNIQUE (email, name) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE children (id code PRIMARY KEY, parent pair REFERENCES parents ON DELETE CASCADE, name label, n int DEFAULT trap(1));
CREATE TABLE readers (id int PRIMARY KEY, parent pair REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE owed (id int PRIMARY KEY, parent pair REFERENCES parents ON DELETE SET NULL);
CREATE TABLE slices (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE slices_1 PARTITION OF slices FOR VALUES FROM (0) TO (100);
CREATE TABLE others (id int PRIMARY KEY, v text);
CREATE UNIQUE INDEX ON children (trap(name::text)) WHERE trap(1) = 1;
CREATE INDEX ON parents (trap(email)) WHERE trap(email) <> '';
CREATE INDEX ON parents USING gist (valid);
CREATE INDEX ON slices (trap(v));
CREATE STATISTICS guess ON (trap(email)), email FROM parents;
ALTER TABLE children ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON children USING (trap(n) = 1) WITH CHECK (trap(n) = 1);
ALTER TABLE slices ENABLE ROW LEVEL SECURITY;
ALTER TABLE slices FORCE ROW LEVEL SECURITY;
CREATE POLICY all_of ON slices USING (trap(true));
DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY '{parents,children,readers,owed,slices}'::text[] LOOP
		EXECUTE format('CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION trap_trigger()', t);
		EXECUTE format('CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW WHEN (eve.trap(true)) EXECUTE FUNCTION trap_trigger()', t);
		EXECUTE format('CREATE TRIGGER before_all BEFORE INSERT OR UPDATE OR DELETE ON %I EXECUTE FUNCTION trap_trigger()', t);
		EXECUTE format('CREATE TRIGGER after_all AFTER INSERT OR UPDATE OR DELETE ON %I EXECUTE FUNCTION trap_trigger()', t);
		EXECUTE format('CREATE CONSTRAINT TRIGGER in_the_end AFTER INSERT OR UPDATE OR DELETE ON %I
			DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap_trigger()', t);
		EXECUTE format('CREATE CONSTRAINT TRIGGER at_once AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION trap_trigger()', t);
	END LOOP;
END $$;
CREATE RULE also_updated AS ON UPDATE TO owed DO ALSO SELECT eve.trap('rule'::text);
CREATE RULE also_deleted AS ON DELETE TO owed DO ALSO INSERT INTO others SELECT OLD.id, eve.trap('rule'::text) ON CONFLICT DO NOTHING;
CREATE FUNCTION trap_command() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog AS
	$$ BEGIN PERFORM eve.spy('event trigger ' || tg_event || ' ' || tg_tag); END $$;
INSERT INTO parents (id, name) SELECT row(i, 'p')::pair, 'p' || i FROM generate_series(1, 30) i;
INSERT INTO children SELECT i, row(i, 'p')::pair, 'c' || i FROM generate_series(1, 30) i;
INSERT INTO readers SELECT i, row(i, 'p')::pair FROM generate_series(21, 25) i;
INSERT INTO owed SELECT i, row(i, 'p')::pair FROM generate_series(1, 30) i;
INSERT INTO slices SELECT i, 's' FROM generate_series(1, 50) i;
SQL2
}

# What the spies told since the last time, each once.
my %offset;
sub sightings
{
	my ($node) = @_;
	my $log = slurp_file($node->logfile, $offset{$node->name} // 0);
	$offset{$node->name} += length $log;
	my %seen = map { $_ => 1 } $log =~ /softdelete-spy: ([^%\n]+)$/mg;
	return join "\n", sort keys %seen;
}

1;
