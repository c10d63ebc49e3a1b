// conflicts(): finds, for each row of a deletion, live rows or other rows of the deletion that hold the same unique
// values, and parents that stay deleted. Called by api/deletions.
#include "restore/list_conflicts.hpp"
#include "sqltext/format.hpp"

#include "catalog/foreign_keys.hpp"
#include "catalog/reader_scope.hpp"
#include "deletion/deletion_tables.hpp"
#include "pg/relations.hpp"
#include "registry/place_lock.hpp"
#include "restore/archived_conflicts.hpp"
#include "restore/find_deletions.hpp"
#include "restore/restore_privileges.hpp"
#include "restore/rows_below.hpp"
#include "restore/undo_rights.hpp"
#include "rows/follow_links.hpp"
#include "rows/row_set.hpp"
#include "session/distributed_tables.hpp"
#include "session/own_statement.hpp"

#include <algorithm>
#include <map>

namespace softdelete::restore {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

// An index that lets no two live rows have matching keys: of the table, or of a partition or inheritance child alone.
struct UniqueIndex {
    TableInfo table; // the rows that it holds: relation, name and owner of that member
    bool is_exclusion;
    bool nulls_not_distinct;
    std::string predicate;
    std::string columns;                  // as the index defines them, for the detail
    std::vector<std::string> expressions; // unqualified
    std::vector<catalog::Comparison> comparisons;
};

// An index of a partition that is part of one of the table's is left to that.
constexpr const char *index_query = R"(
    WITH RECURSIVE members (relation) AS (
        SELECT $1::pg_catalog.oid
        UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN members m ON h.inhparent = m.relation)
    SELECT i.indexrelid, i.indisexclusion, i.indnullsnotdistinct, pg_catalog.pg_get_expr(i.indpred, i.indrelid), i.indrelid,
           pg_catalog.format('%s%I.%I', CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY ' END, n.nspname, c.relname),
           c.relowner
    FROM members m
    JOIN pg_catalog.pg_index i ON i.indrelid = m.relation
    JOIN pg_catalog.pg_class c ON c.oid = m.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE (i.indisunique OR i.indisexclusion) AND i.indisvalid AND NOT i.indisprimary
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_index p ON p.indexrelid = h.inhparent
                      WHERE h.inhrelid = i.indexrelid AND p.indisvalid)
    ORDER BY i.indexrelid)";

// A unique index compares with its operator class's equality, an exclusion constraint with its own operators.
constexpr const char *column_query = R"(
    SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k.position::pg_catalog.int4, false),
           o.oid, coalesce(a.atttypid, 0)
    FROM pg_catalog.pg_index i
    CROSS JOIN LATERAL pg_catalog.unnest(i.indclass) WITH ORDINALITY AS k (opclass, position)
    JOIN pg_catalog.pg_opclass c ON c.oid = k.opclass
    LEFT JOIN pg_catalog.pg_constraint x ON x.conindid = i.indexrelid AND x.contype = 'x'
    LEFT JOIN pg_catalog.pg_amop m ON x.oid IS NULL AND m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype
         AND m.amoprighttype = c.opcintype AND m.amopstrategy = 3 AND m.amoppurpose = 's'
    JOIN pg_catalog.pg_operator o ON o.oid = coalesce(x.conexclop[k.position], m.amopopr)
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.position - 1]
    WHERE i.indexrelid = $1::pg_catalog.oid AND k.position <= i.indnkeyatts
    ORDER BY k.position)";

std::vector<UniqueIndex> find_unique_indexes(pg::Spi &spi, const TableInfo &table) {
    std::vector<UniqueIndex> indexes;
    for (const pg::Row &row : spi.query(index_query, {table.relation})) {
        TableInfo member = table;
        member.relation = row.oid(4);
        member.name = row.text(5);
        member.owner = row.oid(6);
        UniqueIndex index = {member, row.boolean(1), row.boolean(2), row.text_or(3, "true"), "", {}, {}};
        for (const pg::Row &column : spi.query(column_query, {row.oid(0)})) {
            index.expressions.push_back(column.text(0));
            index.comparisons.push_back(catalog::find_comparison(column.oid(1), column.oid(2)));
        }
        index.columns = sqltext::join(index.expressions, ", ");
        indexes.push_back(std::move(index));
    }
    return indexes;
}

// SQL: the deletions' rows with their columns as they will be after the restore, generated ones included, their positions
// and deletions.
std::string make_restored_rows(pg::Spi &spi, const TableInfo &table) {
    std::vector<std::string> columns;
    std::vector<std::string> generated;
    for (const pg::Row &row : spi.query(
             "SELECT pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod), "
             "CASE "
             "WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END, (SELECT "
             "pg_catalog.format(' COLLATE %I.%I', n.nspname, c.collname) FROM pg_catalog.pg_collation c JOIN "
             "pg_catalog.pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = a.attcollation) FROM "
             "pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND "
             "d.adnum = a.attnum WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT "
             "a.attisdropped ORDER BY a.attnum",
             {table.relation})) {
        const std::string &name = row.text(0);
        bool is_cleared = name == table.deleted_at || name == table.deleted_by || name == "deletion_id";
        std::string value = sqltext::format("CAST(%1% AS %2%)%3% AS %4%", row.text_or(2, "NULL"), row.text(1),
                                            row.text_or(3, ""), name);
        if (!row.is_null(2)) {
            generated.push_back(value);
        } else {
            columns.push_back(is_cleared ? value : name);
        }
    }
    std::string rows = sqltext::format("(SELECT tableoid AS \"softdelete tableoid\", ctid AS \"softdelete "
                                       "ctid\", deletion_id AS \"softdelete deletion\", %1% FROM %2% WHERE "
                                       "deletion_id = ANY ($1::pg_catalog.int8[]) AND %3% IS NOT NULL)",
                                       sqltext::join(columns, ", "), table.name, table.deleted_at);
    return generated.empty()
               ? rows
               : sqltext::format("(SELECT *, %1% FROM %2% AS r)", sqltext::join(generated, ", "), rows);
}

// The primary key of the row under this alias as a JSON object.
std::string make_key_object(pg::Spi &spi, const TableInfo &table, const char *alias) {
    std::vector<std::string> pairs;
    for (const pg::Row &row : spi.query(
             "SELECT pg_catalog.quote_literal(a.attname), pg_catalog.quote_ident(a.attname) FROM "
             "pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (n, "
             "position) JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n WHERE "
             "i.indrelid = $1::pg_catalog.oid AND i.indisprimary AND k.position <= i.indnkeyatts ORDER BY "
             "k.position",
             {table.relation})) {
        pairs.push_back(sqltext::format("%1%, %2%.%3%", row.text(0), alias, row.text(1)));
    }
    return pairs.empty() ? "CAST(NULL AS pg_catalog.jsonb)"
                         : "pg_catalog.jsonb_build_object(" + sqltext::join(pairs, ", ") + ")";
}

// "expression AS k1, expression AS k2".
std::string name_expressions(const UniqueIndex &index) {
    std::vector<std::string> named;
    for (std::size_t i = 0; i < index.expressions.size(); i++) {
        named.push_back(sqltext::format("%1% AS k%2%", index.expressions[i], (i + 1)));
    }
    return sqltext::join(named, ", ");
}

std::string match_keys(const UniqueIndex &index) {
    std::vector<std::string> conditions;
    for (std::size_t i = 1; i <= index.comparisons.size(); i++) {
        std::string match =
            index.comparisons[i - 1].of(sqltext::format("d.k%1%", i), sqltext::format("o.k%1%", i));
        conditions.push_back(index.nulls_not_distinct ? sqltext::format(
                                 "(%1% OR (d.k%2% IS NOT DISTINCT FROM NULL AND o.k%2% IS NOT "
                                 "DISTINCT FROM NULL))",
                                 match, i)
                                                      : match);
    }
    return sqltext::join(conditions, " AND ");
}

// SQL: the values as errors show them, for concat_ws(), which passes nulls over and calls no cast.
std::string list_keys(const UniqueIndex &index) {
    std::vector<std::string> keys;
    for (std::size_t i = 1; i <= index.comparisons.size(); i++) {
        keys.push_back(sqltext::format(
            "CASE WHEN d.k%1% IS NOT DISTINCT FROM NULL THEN 'null' ELSE pg_catalog.concat(d.k%1%) END", i));
    }
    return sqltext::join(keys, ", ");
}

bool may_select(const TableInfo &table) {
    return pg::has_privilege(table.relation, pg::Privilege::select);
}

// Those of the rows that the caller sees.
rows::RowSet find_visible(pg::Spi &spi, const TableInfo &table, const rows::RowSet &rows) {
    rows::RowSet visible;
    if (rows.empty()) {
        return visible;
    }
    std::string query = sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid FROM %1% AS t WHERE "
                                        "softdelete.include_deleted(t.%2%) AND %3%",
                                        table.name, table.deleted_at, rows::make_membership(table, "t", 1));
    bool is_owners = pg::owns_relation(table.relation); // his own policies call his own functions
    catalog::ReaderScope scope(spi, table.relation, table.owner);
    if (!scope.may_read()) {
        return visible;
    }
    session::OwnStatement own(query, {.runs_as_called = is_owners});
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        visible.add(rows::read_row_id(row));
    }
    return visible;
}

// A conflict as the table's owner sees it.
struct Hit {
    rows::RowId row;
    std::string deletion;
    std::optional<std::string> key;
    std::string detail;
};

// Key and detail of the rows that the caller sees; of the others that there are some.
void report(pg::Spi &spi, const TableInfo &table, const std::vector<Hit> &hits, const char *reason,
            const std::string &hidden_detail, std::vector<Conflict> *found) {
    rows::RowSet rows;
    for (const Hit &hit : hits) {
        rows.add(hit.row);
    }
    rows::RowSet visible = find_visible(spi, table, rows);
    for (const Hit &hit : hits) {
        if (visible.contains(hit.row)) {
            found->push_back({hit.deletion, table.relation, hit.key, reason, hit.detail});
        }
    }
    if (visible.size() < rows.size()) {
        found->push_back({std::nullopt, table.relation, std::nullopt, reason, hidden_detail});
    }
}

std::vector<Hit> find_unique_hits(pg::Spi &spi, const UniqueIndex &index, const std::string &restored,
                                  const std::string &key, const pg::Parameter &deletions) {
    const TableInfo &table = index.table;
    std::string query = sqltext::format(
        "/* softdelete */ WITH d AS (SELECT %1%, %2% AS key, r.\"softdelete tableoid\" AS t, "
        "r.\"softdelete ctid\" AS p, r.\"softdelete deletion\" AS n FROM %3% AS r WHERE %6%), "
        "o AS (SELECT %1% FROM %4% WHERE %5% IS NULL AND (%6%)), "
        "hit AS (SELECT d.t, d.p, d.key, pg_catalog.concat_ws(', ', %7%) AS value, false AS within, d.n FROM "
        "d "
        "JOIN o ON %8% "
        "UNION SELECT d.t, d.p, d.key, pg_catalog.concat_ws(', ', %7%), true, d.n FROM d JOIN d AS o ON "
        "(d.t, d.p) <> (o.t, o.p) AND %8%) "
        "SELECT t, p, key, value, within, n FROM hit ORDER BY key::pg_catalog.text, value, within, n",
        name_expressions(index), key, restored, table.name, table.deleted_at, index.predicate,
        list_keys(index), match_keys(index));
    // Functions in the index find what a statement of the owner's lets them find; others lend the owner no path of theirs.
    bool is_owners = pg::owns_relation(table.relation);
    pg::OwnerScope owner(table.owner);
    session::OwnStatement own(query, {.runs_as_called = is_owners});
    std::vector<Hit> hits;
    for (const pg::Row &row : spi.query(query, {deletions})) {
        const sqltext::Pattern form = row.boolean(4)
                                          ? sqltext::Pattern("Key (%1%)=(%2%) occurs twice in the deletion.")
                                          : sqltext::Pattern("Key (%1%)=(%2%) is taken by a live row.");
        hits.push_back({rows::read_row_id(row), row.text(5), row.value(2),
                        sqltext::format(form, index.columns, row.text_or(3, ""))});
    }
    return hits;
}

void add_unique_conflicts(pg::Spi &spi, const TableInfo &table, const pg::Parameter &deletions,
                          std::vector<Conflict> *found) {
    std::string key = make_key_object(spi, table, "r");
    std::map<Oid, std::string> restored; // by member
    for (const UniqueIndex &index : find_unique_indexes(spi, table)) {
        auto [rows, is_new] = restored.try_emplace(index.table.relation);
        if (is_new) {
            rows->second = make_restored_rows(spi, index.table);
        }
        report(spi, table, find_unique_hits(spi, index, rows->second, key, deletions),
               index.is_exclusion ? "exclusion" : "unique",
               sqltext::format("A key (%1%) is taken.", index.columns), found);
    }
}

std::vector<Hit> find_orphans(pg::Spi &spi, const ForeignKey &key, const std::string &key_object,
                              const std::vector<std::int64_t> &deletions) {
    std::string query =
        sqltext::format("/* softdelete */ SELECT c.tableoid, c.ctid, %1%, "
                        "pg_catalog.concat_ws(', ', %2%), c.deletion_id FROM %3% AS c WHERE c.deletion_id = "
                        "ANY ($1::pg_catalog.int8[]) AND c.%4% IS NOT NULL ORDER BY 3, 5",
                        key_object, key.child_values, key.child.key_rows(), key.child.deleted_at);
    std::vector<Hit> hits;
    rows::RowSet children;
    {
        pg::OwnerScope owner(key.child.owner);
        for (const pg::Row &row : spi.query(query, {make_ids(deletions)})) {
            hits.push_back({rows::read_row_id(row), row.text(4), row.value(2),
                            sqltext::format("Key (%1%)=(%2%) refers to a deleted row of table %3%.",
                                            key.child_columns, row.text_or(3, ""), key.parent.title)});
            children.add(hits.back().row);
        }
    }
    rows::RowSet orphans;
    for (const rows::RowLink &link : rows::find_parents(
             spi, key, children,
             sqltext::format(" AND p.%1% IS NOT NULL AND (p.deletion_id = ANY (%2%)) IS NOT TRUE",
                             key.parent.deleted_at, list_ids(deletions)))) {
        orphans.add(link.child);
    }
    std::erase_if(hits, [&](const Hit &hit) { return !orphans.contains(hit.row); });
    return hits;
}

void add_parent_conflicts(pg::Spi &spi, const TableInfo &table, const std::vector<std::int64_t> &deletions,
                          std::vector<Conflict> *found) {
    std::string key_object = make_key_object(spi, table, "c");
    for (Oid heir : catalog::find_heirs(spi, table.relation)) {
        for (const ForeignKey &key : catalog::find_own_keys(spi, heir)) {
            if (catalog::binds_restored(key)) {
                report(spi, table, find_orphans(spi, key, key_object, deletions), "parent deleted",
                       sqltext::format("A key (%1%) refers to a deleted row of table %2%.", key.child_columns,
                                       key.parent.title),
                       found);
            }
        }
    }
}

// Conflicts are for those who may read the table, or restore its rows.
void check_may_list(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion) {
    const CascadedTables cascaded = find_cascaded_tables(spi, tables);
    std::set<Oid> others = cascaded.whole;
    std::vector<TableInfo> unreadable;
    for (const TableInfo &table : tables) {
        if (may_select(table)) {
            others.insert(table.relation);
        } else if (cascaded.others.contains(table.relation)) {
            unreadable.push_back(table);
        }
    }
    check_may_update(tables, others);
    check_only_below(spi, unreadable, deletion);
}

// Whoever may undo the deletions may know what of an archive that he does not read is in the way.
Shown get_shown(pg::Spi &spi, const TableInfo &table, const std::vector<std::int64_t> &deletions) {
    if (may_read_archive(table)) {
        return Shown::values;
    }
    for (std::int64_t deletion : deletions) {
        if (find_missing_right(spi, deletion)) {
            catalog::raise_permission_denied(table, "Conflicts show what is in the archive of the table.");
        }
    }
    return Shown::nothing;
}

// Those that are not among the tables yet.
void add_new(const std::vector<TableInfo> &found, std::vector<TableInfo> *tables) {
    std::copy_if(found.begin(), found.end(), std::back_inserter(*tables), [&](const TableInfo &table) {
        return std::none_of(tables->begin(), tables->end(),
                            [&](const TableInfo &known) { return known.relation == table.relation; });
    });
}

} // namespace

std::vector<Conflict> list_conflicts(pg::Spi &spi, const std::vector<std::int64_t> &deletions) {
    std::vector<Conflict> found;
    std::vector<TableInfo> tables;
    std::vector<TableInfo> archived;
    std::map<Oid, std::vector<std::int64_t>> deletions_of; // archives
    for (std::int64_t deletion : deletions) {
        const deletion::DeletionTables touched =
            deletion::get_deletion_tables(spi, deletion, deletion::DeletionLock::none);
        for (const TableInfo &table : touched.marked) {
            pg::call([&] { session::refuse_distributed(table.relation); });
        }
        check_may_list(spi, touched.marked, deletion);
        add_new(touched.marked, &tables);
        add_new(touched.archived, &archived);
        for (const TableInfo &table : touched.archived) {
            deletions_of[table.relation].push_back(deletion);
        }
    }
    for (const TableInfo &table : tables) {
        add_parent_conflicts(spi, table, deletions, &found);
        add_unique_conflicts(spi, table, make_ids(deletions), &found);
    }
    for (const TableInfo &table : archived) {
        const Shown shown = get_shown(spi, table, deletions_of[table.relation]);
        add_archived_conflicts(spi, table, deletions, shown, &found);
    }
    return found;
}

std::vector<Conflict> list_conflicts(std::int64_t deletion) {
    pg::Spi spi;
    pg::call([] { registry::keep_rows_in_place(); });
    return list_conflicts(spi, std::vector<std::int64_t>{deletion});
}

} // namespace softdelete::restore
