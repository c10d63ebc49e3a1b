// SQL: types that are made of another one, at any depth: domains, arrays, composite types, ranges and their multiranges. Used where
// a change of a type reaches what others keep (ddl/keep_held_keys, history/other_keys).
#pragma once

namespace softdelete::catalog {

// Begins a query: based (type) has the type $1::oid and all that are made of it.
inline constexpr const char *with_based_types = R"(
    WITH RECURSIVE based (type) AS (
        SELECT $1::pg_catalog.oid
        UNION
        SELECT t.oid FROM pg_catalog.pg_type t
        JOIN based b ON b.type IN (t.typbasetype, t.typelem)
             OR EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.atttypid = b.type)
             OR EXISTS (SELECT FROM pg_catalog.pg_range g WHERE (g.rngtypid = t.oid AND g.rngsubtype = b.type)
                        OR (g.rngmultitypid = t.oid AND g.rngtypid = b.type))))";

} // namespace softdelete::catalog
