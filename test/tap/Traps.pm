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

sub spy
{
	my ($role) = @_;
	return <<"SQL";
CREATE FUNCTION $role.spy(trap text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS \$\$
BEGIN
	IF current_user <> '$role' THEN
		RAISE LOG 'softdelete-spy: % of $role runs as % (session of %)', trap, current_user, session_user;
	END IF;
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

# What the spies told since the last time, each once.
my %offset;
sub sightings
{
	my ($node) = @_;
	my $log = slurp_file($node->logfile, $offset{$node->name} // 0);
	$offset{$node->name} = -s $node->logfile;
	my %seen = map { $_ => 1 } $log =~ /softdelete-spy: ([^%\n]+)$/mg;
	return join "\n", sort keys %seen;
}

1;
