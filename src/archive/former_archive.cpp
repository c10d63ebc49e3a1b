// Looks whether a table can go on as an archive. What an archive is not, such as a unique key, would keep deleted rows out.
#include "archive/former_archive.hpp"

#include "archive/own_columns.hpp"
#include "catalog/quoting.hpp"
#include "catalog/view_catalog.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

[[noreturn]] void refuse_former(const catalog::Table &table, const std::string &name,
                                const std::string &detail) {
    pg::raise(
        {.sqlstate = ERRCODE_DUPLICATE_TABLE,
         .message = sqltext::format("relation \"%1%\" already exists in schema \"%2%\"", name, table.schema),
         .detail = sqltext::format("The archive of the table would have this name. It cannot go on as "
                                   "the archive: %1%.",
                                   detail),
         .hint = "Rename the relation, or change what keeps it from that.",
         .relation = table.oid});
}

// What else keeps a table from that, the first of them. $2: the table's owner.
constexpr const char *obstacle_query = R"(
    WITH tree (oid) AS (
        SELECT $1::pg_catalog.oid UNION SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p),
    members AS (SELECT c.* FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid)
    SELECT x.reason FROM (
        SELECT 1 AS place, pg_catalog.format('"%s" is no table', m.relname) AS reason
        FROM members m WHERE m.relkind NOT IN ('r', 'p')
        UNION ALL SELECT 2, pg_catalog.format('"%s" is unlogged', m.relname) FROM members m WHERE m.relpersistence <> 'p'
        UNION ALL SELECT 2, pg_catalog.format('"%s" does not belong to the owner of the table', m.relname)
        FROM members m WHERE m.relowner <> $2::pg_catalog.oid
        UNION ALL SELECT 3, pg_catalog.format('"%s" is registered itself', m.relname)
        FROM members m WHERE EXISTS (SELECT FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc f ON f.oid = g.tgfoid
            JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
            WHERE g.tgrelid = m.oid AND n.nspname = 'softdelete_internal' AND f.proname NOT IN ('on_kept_table', 'on_applied_removal'))
        UNION ALL SELECT 4, 'it is a partition or an heir of another table, or has heirs'
        FROM pg_catalog.pg_inherits i
        WHERE i.inhrelid = $1::pg_catalog.oid
           OR (i.inhparent = $1::pg_catalog.oid AND (SELECT relkind FROM pg_catalog.pg_class WHERE oid = i.inhparent) = 'r')
        UNION ALL SELECT 5, 'it is a typed table' FROM members m WHERE m.reloftype <> 0
        UNION ALL SELECT 6, pg_catalog.format('"%s" has constraint "%s"', m.relname, k.conname)
        FROM members m JOIN pg_catalog.pg_constraint k ON k.conrelid = m.oid AND k.contype NOT IN ('n', 't')
        UNION ALL SELECT 7, pg_catalog.format('"%s" has unique index "%s"', m.relname, c.relname)
        FROM members m JOIN pg_catalog.pg_index i ON i.indrelid = m.oid AND i.indisunique
        JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
        UNION ALL SELECT 8, pg_catalog.format('"%s" has trigger "%s"', m.relname, g.tgname)
        FROM members m JOIN pg_catalog.pg_trigger g ON g.tgrelid = m.oid AND NOT g.tgisinternal
        JOIN pg_catalog.pg_proc f ON f.oid = g.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
        WHERE n.nspname <> 'softdelete_internal'
        UNION ALL SELECT 9, pg_catalog.format('"%s" has a rule', m.relname)
        FROM members m WHERE EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = m.oid)
        UNION ALL SELECT 10, pg_catalog.format('column "%s" is generated', a.attname)
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = $1::pg_catalog.oid AND NOT a.attisdropped AND (a.attgenerated <> '' OR a.attidentity <> '')
        UNION ALL SELECT 11, pg_catalog.format('"%s" is partitioned or foreign, or takes what no other partition does', m.relname)
        FROM members m WHERE m.oid <> $1::pg_catalog.oid
             AND (m.relkind <> 'r' OR pg_catalog.pg_get_expr(m.relpartbound, m.oid) = 'DEFAULT')) x
    ORDER BY x.place, x.reason LIMIT 1)";

// A plain one gets another name: what reads it by its OID would see the rows of before alone.
constexpr const char *dependent_query = R"(
    SELECT pg_catalog.format('view "%s" depends on it', c.relname)
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = $1::pg_catalog.oid
    ORDER BY 1 LIMIT 1)";

constexpr const char *partition_key_query = R"(
    SELECT a.attname FROM pg_catalog.pg_partitioned_table p
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = $1::pg_catalog.oid AND p.partstrat = 'r' AND p.partnatts = 1)";

const ArchiveColumn *find(const std::vector<ArchiveColumn> &columns, const std::string &name) {
    auto found = std::find_if(columns.begin(), columns.end(),
                              [&](const ArchiveColumn &column) { return column.name == name; });
    return found == columns.end() ? nullptr : &*found;
}

void check_own(const catalog::Table &table, const std::string &name, const ArchiveColumn *column,
               const char *type) {
    if (column != nullptr && column->type != type) {
        refuse_former(
            table, name,
            sqltext::format("column \"%1%\" is of type %2%, not %3%", column->name, column->type, type));
    }
}

// It has the columns of the table, and besides them those that tell of the deletion.
void check_columns_fit(const catalog::Table &table, const ArchiveSettings &settings,
                       const std::vector<ArchiveColumn> &columns, const std::vector<ArchiveColumn> &its) {
    const std::string &name = settings.archive_name;
    for (const ArchiveColumn &column : columns) {
        const ArchiveColumn *found = find(its, column.name);
        if (found == nullptr) {
            refuse_former(table, name, sqltext::format("it has no column \"%1%\"", column.name));
        }
        if (found->definition != column.definition) {
            refuse_former(table, name,
                          sqltext::format("column \"%1%\" is of another type or collation than in the table",
                                          column.name));
        }
    }
    const std::vector<std::string> own = get_own_columns(settings);
    for (const ArchiveColumn &column : its) {
        if (find(columns, column.name) == nullptr
            && std::find(own.begin(), own.end(), column.name) == own.end()) {
            refuse_former(table, name, sqltext::format("the table has no column \"%1%\"", column.name));
        }
    }
    check_own(table, name, find(its, settings.deleted_at), "timestamp with time zone");
    check_own(table, name, settings.deleted_by ? find(its, *settings.deleted_by) : nullptr, "text");
    check_own(table, name, find(its, deletion_id_column), "bigint");
    if (find(its, settings.deleted_at) == nullptr) {
        refuse_former(table, name,
                      sqltext::format("it has no column \"%1%\" that says when a row was deleted; argument "
                                      "deleted_at names another one",
                                      settings.deleted_at));
    }
}

} // namespace

std::optional<FormerArchive> find_former_archive(pg::Spi &spi, const catalog::Table &table,
                                                 ArchiveSettings *settings,
                                                 const std::vector<ArchiveColumn> &columns) {
    auto existing = catalog::find_relation(table.schema_oid, settings->archive_name);
    if (!existing) {
        return std::nullopt;
    }
    const std::string &name = settings->archive_name;
    const std::vector<pg::Row> obstacles = spi.query(obstacle_query, {existing->oid, table.owner});
    if (!obstacles.empty()) {
        refuse_former(table, name, obstacles.front().text(0));
    }
    const std::vector<ArchiveColumn> its = read_columns(spi, existing->oid);
    if (find(its, settings->deleted_at) == nullptr && find(its, "archived_at") != nullptr) {
        settings->deleted_at = "archived_at";
    }
    if (settings->deleted_by && find(its, *settings->deleted_by) == nullptr
        && find(its, "archived_by") != nullptr) {
        settings->deleted_by = "archived_by";
    }
    check_columns_fit(table, *settings, columns, its);
    bool is_partitioned = existing->kind == 'p';
    if (is_partitioned) {
        const std::vector<pg::Row> key = spi.query(partition_key_query, {existing->oid});
        if (key.empty() || key.front().text_or(0, "") != settings->deleted_at) {
            refuse_former(
                table, name,
                sqltext::format("it is not partitioned by ranges of \"%1%\"", settings->deleted_at));
        }
    } else if (auto dependents = spi.query(dependent_query, {existing->oid}); !dependents.empty()) {
        refuse_former(table, name, dependents.front().text(0));
    }
    return FormerArchive{existing->oid, name_beside(table, name), is_partitioned,
                         settings->deleted_by && find(its, *settings->deleted_by) != nullptr,
                         find(its, deletion_id_column) != nullptr};
}

} // namespace softdelete::archive
