// Reads a table for the commands on rows: its quoted name, its owner, its key with the operators. Registration reads
// catalog/table_catalog, which knows more.
#include "catalog/table_info.hpp"
#include "sqltext/format.hpp"

#include "catalog/definitions.hpp"
#include "catalog/half_registered.hpp"
#include "catalog/kept_tables.hpp"
#include "catalog/table_catalog.hpp"
#include "pg/called_settings.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"

extern "C" {
#include "access/transam.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace softdelete::catalog {

namespace {

// A partition stands for the table that was registered; an inheritance child has its parent's registration.
constexpr const char *table_query = R"(
    SELECT c.oid, c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind = 'p', r.relation IS NOT NULL,
           pg_catalog.quote_ident(r.deleted_at), pg_catalog.quote_ident(r.deleted_by), coalesce(r.retention, a.retention), c.relkind,
           c.relkind = 'p' OR EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid),
           pg_catalog.quote_ident(n.nspname), c.relname, a.archive::pg_catalog.oid,
           (SELECT pg_catalog.format('%I.%I', an.nspname, ac.relname)
            FROM pg_catalog.pg_class ac JOIN pg_catalog.pg_namespace an ON an.oid = ac.relnamespace
            WHERE ac.oid = a.archive),
           pg_catalog.quote_ident(a.deleted_at), pg_catalog.quote_ident(a.deleted_by)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN softdelete_internal.archive a ON a.relation = c.oid
    LEFT JOIN softdelete_internal.registration r ON r.relation = (
        WITH RECURSIVE line (relation) AS (
            SELECT c.oid UNION SELECT h.inhparent FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation)
        SELECT g.relation FROM line l JOIN softdelete_internal.registration g ON g.relation = l.relation LIMIT 1)
    WHERE c.oid = coalesce(pg_catalog.pg_partition_root($1::oid), $1::oid))";

// The column is cast to what the operator takes, or under its domains where that is a pseudo-type: a domain over an
// enumeration has no operators.
constexpr const char *key_query = R"(
    SELECT pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod),
           (SELECT pg_catalog.format('::%I.%I', tn.nspname, t.typname)
            FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
            WHERE t.oid = CASE WHEN l.typtype = 'p' THEN b.base ELSE l.oid END AND t.oid <> a.atttypid),
           o.oid, b.base,
           NOT EXISTS (SELECT FROM pg_catalog.pg_collation l WHERE l.oid = k.collation_id AND NOT l.collisdeterministic)
    FROM pg_catalog.pg_index i
    CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(i.indkey), pg_catalog.unnest(i.indclass),
                                  pg_catalog.unnest(i.indcollation))
         WITH ORDINALITY AS k (attnum, opclass, collation_id, position)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    CROSS JOIN LATERAL (
        WITH RECURSIVE types AS (
            SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
            UNION ALL SELECT t.oid, t.typbasetype FROM types u JOIN pg_catalog.pg_type t ON t.oid = u.typbasetype)
        SELECT u.oid FROM types u WHERE u.typbasetype = 0) AS b (base)
    JOIN pg_catalog.pg_opclass c ON c.oid = k.opclass
    JOIN pg_catalog.pg_amop m ON m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype
         AND m.amoprighttype = c.opcintype AND m.amopstrategy = 3 AND m.amoppurpose = 's'
    JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr
    JOIN pg_catalog.pg_type l ON l.oid = o.oprleft
    WHERE i.indrelid = $1::oid AND i.indisprimary AND k.position <= i.indnkeyatts
    ORDER BY k.position)";

std::optional<Archive> read_archive(const pg::Row &row) {
    if (row.is_null(13)) {
        return std::nullopt;
    }
    return Archive{row.oid(12), row.text(13), row.text(14), row.text_or(15, "")};
}

TableInfo read_table(pg::Spi &spi, Oid relation, std::string *kind) {
    // Whoever acts needs no privilege on our schema.
    pg::OwnerScope owner(pg::get_extension_owner());
    pg::Rows rows = read_definitions(spi, table_query, {relation});
    if (rows.empty()) {
        pg::raise({.sqlstate = ERRCODE_UNDEFINED_TABLE,
                   .message = sqltext::format("relation with OID %1% does not exist", relation),
                   .hint = "Name a table, as in 'public.orders'."});
    }
    const pg::Row &row = rows.front();
    *kind = row.text(8);
    return {.relation = row.oid(0),
            .owner = row.oid(1),
            .name = row.text(2),
            .schema = row.text(10),
            .title = "\"" + row.text(11) + "\"",
            .is_partitioned = row.boolean(3),
            .has_children = row.boolean(9),
            .is_registered = row.boolean(4),
            .deleted_at = row.text_or(5, ""),
            .deleted_by = row.text_or(6, ""),
            .retention = row.text_or(7, ""),
            .archive = read_archive(row),
            .lacks_archive = !row.is_null(12) && row.is_null(13)};
}

} // namespace

TableInfo get_table(pg::Spi &spi, Oid relation) {
    std::string kind;
    return read_table(spi, relation, &kind);
}

TableInfo get_part(pg::Spi &spi, const TableInfo &table, Oid partition) {
    TableInfo part = table;
    for (const pg::Row &row : spi.query_kept(
             "SELECT c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relname, c.relkind = "
             "'p', "
             "pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
             "ON n.oid = c.relnamespace WHERE c.oid = $1::pg_catalog.oid",
             {partition})) {
        part.owner = row.oid(0);
        part.name = row.text(1);
        part.title = "\"" + row.text(2) + "\"";
        part.is_partitioned = row.boolean(3);
        part.has_children = part.is_partitioned;
        part.schema = row.text(4);
    }
    return part;
}

TableInfo get_registered_table(pg::Spi &spi, Oid relation) {
    TableInfo table = get_soft_table(spi, relation);
    if (!table.is_registered) {
        refuse_archive(table.title, table.relation);
    }
    return table;
}

TableInfo get_archive(const TableInfo &table) {
    TableInfo archive = table;
    archive.archive = std::nullopt;
    archive.is_registered = false;
    archive.deleted_at.clear();
    archive.deleted_by = table.archive->deleted_by;
    archive.relation = table.archive->relation;
    archive.name = table.archive->name;
    archive.is_partitioned = true;
    archive.has_children = true;
    return archive;
}

void refuse_archive(const std::string &title, Oid relation) {
    pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
               .message = "this is not supported yet for tables with an archive",
               .detail = sqltext::format("Table %1% is registered with the strategy archive.", title),
               .hint = "To use it, unregister the table and register it with strategy => 'flag'.",
               .relation = relation});
}

void raise_archive_missing(Oid relation) {
    const char *name =
        quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the archive of table \"%s\" is missing", get_rel_name(relation)),
                    errdetail("Somebody has dropped it, and left the table."),
                    errhint("Run SELECT * FROM softdelete.repair(%s), which makes a new one, or end the "
                            "registration with softdelete.unregister().",
                            quote_literal_cstr(name)),
                    err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(relation))));
    pg_unreachable();
}

TableInfo get_soft_table(pg::Spi &spi, Oid relation) {
    TableInfo table = find_soft_table(spi, relation);
    if (table.lacks_archive) {
        pg::call([&] { raise_archive_missing(table.relation); });
    }
    return table;
}

TableInfo get_users_table(pg::Spi &spi, Oid relation) {
    std::string kind;
    TableInfo table = read_table(spi, relation, &kind);
    if (kind != "r" && kind != "p") {
        pg::raise({.sqlstate = ERRCODE_WRONG_OBJECT_TYPE,
                   .message = sqltext::format("%1% is not a table", table.title),
                   .hint = "Name the registered table itself, not a view of it."});
    }
    if (!table.is_registered && relation < FirstNormalObjectId) {
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = sqltext::format("permission denied: %1% is a system catalog", table.title),
                   .hint = "Name a registered table."});
    }
    if (!table.is_registered && !table.is_archived()) {
        check_not_kept(spi, relation);
    }
    return table;
}

// Locked, so that it stays what it is found to be: its registration may be ending, or its strategy changing.
TableInfo find_soft_table(pg::Spi &spi, Oid relation) {
    (void)pg::lock_if_there(relation, pg::Lock::access_share);
    TableInfo table = get_users_table(spi, relation);
    if (!table.is_registered && !table.is_archived()) {
        bool is_copy = has_marker(spi, table.relation);
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("table %1% is not registered", table.title),
                   .detail = is_copy ? half_registered : "",
                   .hint = sqltext::format("Run SELECT * FROM softdelete.register(%1%)%2%.",
                                           pg::quote_literal(table.name),
                                           is_copy ? ", which takes on what is there" : ""),
                   .relation = relation});
    }
    return table;
}

std::vector<Oid> find_heirs(pg::Spi &spi, Oid relation) {
    std::vector<Oid> heirs;
    for (const pg::Row &row : read_definitions(
             spi,
             "WITH RECURSIVE heirs (relation) AS (SELECT $1::pg_catalog.oid UNION SELECT h.inhrelid FROM "
             "heirs e JOIN pg_catalog.pg_inherits h ON h.inhparent = e.relation JOIN pg_catalog.pg_class "
             "c ON c.oid = h.inhrelid WHERE NOT c.relispartition) SELECT relation FROM heirs ORDER BY "
             "relation <> $1::pg_catalog.oid, relation",
             {relation})) {
        heirs.push_back(row.oid(0));
    }
    return heirs;
}

std::vector<KeyColumn> find_primary_key(pg::Spi &spi, Oid relation) {
    std::vector<KeyColumn> key;
    for (const pg::Row &row : read_definitions(spi, key_query, {relation})) {
        key.push_back({row.text(0), row.text(1), row.text_or(2, ""), find_comparison(row.oid(3), row.oid(4)),
                       row.oid(4), row.boolean(5)});
    }
    return key;
}

namespace {

std::string describe_key(const std::vector<KeyColumn> &key) {
    std::string columns;
    for (const KeyColumn &column : key) {
        columns += (columns.empty() ? "" : ", ") + column.name + " " + column.type;
    }
    return columns;
}

// "2 columns"
std::string count(std::size_t number, const char *noun) {
    return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

void check_key(const TableInfo &table, const std::vector<KeyColumn> &key, std::size_t values) {
    if (key.empty()) {
        pg::raise(
            {.sqlstate = ERRCODE_INVALID_COLUMN_REFERENCE,
             .message = sqltext::format("table %1% has no primary key", table.title),
             .hint = table.is_archived()
                         ? "Give it one, or bring back whole deletions by softdelete.undo(), of which "
                           "softdelete.deletions has the ids."
                         : "Give it one, or name the rows by a condition: DELETE FROM ... WHERE ... deletes "
                           "them, UPDATE ... SET deleted_at = NULL WHERE ... restores them.",
             .relation = table.relation});
    }
    if (key.size() != values) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = sqltext::format("the primary key of table %1% has %2%, but %3% %4% given",
                                              table.title, count(key.size(), "column"),
                                              count(values, "value"), (values == 1 ? "was" : "were")),
                   .hint = sqltext::format("Give the values of (%1%) in this order.", describe_key(key)),
                   .relation = table.relation});
    }
}

} // namespace

KeyLookup get_key_lookup(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &values) {
    std::vector<KeyColumn> key = find_primary_key(spi, table.relation);
    check_key(table, key, values.size());
    KeyLookup lookup;
    for (std::size_t i = 0; i < key.size(); i++) {
        lookup.condition += (i == 0 ? "" : " AND ")
                            + key[i].equality.of(key[i].name + key[i].cast, sqltext::format("$%1%", i + 1));
        std::string hint =
            sqltext::format("The primary key of table %1% is (%2%).", table.title, describe_key(key));
        lookup.values.emplace_back(pg::read_as_caller(values[i], key[i].type_id, table.owner, hint),
                                   key[i].type_id, false);
    }
    return lookup;
}

std::vector<std::string> write_key(const TableInfo &table, const KeyLookup &lookup) {
    pg::UserScope owner(table.owner);
    pg::ExactTextScope exact;
    std::vector<std::string> key;
    for (const pg::Parameter &value : lookup.values) {
        key.emplace_back(pg::call([&] {
            Oid output = InvalidOid;
            bool is_varlena = false;
            getTypeOutputInfo(value.type(), &output, &is_varlena);
            return static_cast<const char *>(OidOutputFunctionCall(output, *value.datum()));
        }));
    }
    return key;
}

void raise_permission_denied(const TableInfo &table, const char *detail) {
    // Without the quotes, as aclcheck_error() has it.
    pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
               .message = "permission denied for table " + table.title.substr(1, table.title.size() - 2),
               .detail = detail,
               .relation = table.relation});
}

} // namespace softdelete::catalog
