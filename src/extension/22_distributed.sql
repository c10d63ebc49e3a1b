-- Tables of Citus. The node that is asked puts as_deletion() into the condition of a soft delete, and the nodes that keep the
-- rows take it out again. Its token says what that node alone knows: the deletion, its time and its actor, under a seal that
-- only the nodes can make. All of these refuse calls that the library did not put into a statement.

CREATE FUNCTION softdelete_internal.as_deletion(deleted_at anyelement, token text) RETURNS boolean
    -- search_path: no name is looked up
    LANGUAGE c IMMUTABLE AS 'MODULE_PATHNAME', 'softdelete_as_deletion';
COMMENT ON FUNCTION softdelete_internal.as_deletion(anyelement, text) IS
    'Internal: says in a statement on a table of Citus which deletion its rows join. Is never executed.';

CREATE FUNCTION softdelete_internal.token(relation regclass) RETURNS text
    -- search_path: no name is looked up
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_token';
COMMENT ON FUNCTION softdelete_internal.token(regclass) IS
    'Internal: the deletion under way, its time and its actor, sealed for shards of that table and for the role in force.';

CREATE FUNCTION softdelete_internal.adopt_deletion(shard regclass, token text) RETURNS bigint
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_adopt_deletion';
COMMENT ON FUNCTION softdelete_internal.adopt_deletion(regclass, text) IS
    'Internal: takes on the deletion of a token, which another node has begun; returns its id.';

CREATE FUNCTION softdelete_internal.adopted_time(token text) RETURNS timestamptz
    -- search_path: no name is looked up
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_adopted_time';
COMMENT ON FUNCTION softdelete_internal.adopted_time(text) IS 'Internal: the time of the deletion of a token.';

CREATE FUNCTION softdelete_internal.adopted_actor(of_type anyelement, typmod integer, token text) RETURNS anyelement
    -- search_path: no name is looked up
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_adopted_actor';
COMMENT ON FUNCTION softdelete_internal.adopted_actor(anyelement, integer, text) IS
    'Internal: the actor of a token, as a value of the type of deleted_by.';

CREATE FUNCTION softdelete_internal.deletion_time() RETURNS timestamptz
    -- search_path: no name is looked up
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_deletion_time';
COMMENT ON FUNCTION softdelete_internal.deletion_time() IS
    'Internal: the time of the deletion that a cascade belongs to, which another node has begun.';
