// A row leaves the archive and comes into its table by one statement, which triggers see as an INSERT. Rows of a whole
// deletion need no collecting; restore/archived_tree collects those of one row.
#include "restore/archived_rows.hpp"

#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "restore/restore_errors.hpp"
#include "rows/follow_links.hpp"
#include "rows/owners_statement.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::restore {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

// Generated columns are computed again.
constexpr const char *columns_query = R"(
    SELECT pg_catalog.quote_ident(t.attname)
    FROM pg_catalog.pg_attribute t
    JOIN pg_catalog.pg_attribute a ON a.attrelid = $2::pg_catalog.oid AND a.attname = t.attname AND a.attnum > 0 AND NOT a.attisdropped
    WHERE t.attrelid = $1::pg_catalog.oid AND t.attnum > 0 AND NOT t.attisdropped AND t.attgenerated = ''
    ORDER BY t.attnum)";

std::string get_archive_hint(int sqlstate, const std::optional<std::string> &deletion) {
    std::string list =
        deletion ? sqltext::format(" SELECT * FROM softdelete.conflicts(%1%) lists all conflicts.", *deletion)
                 : "";
    switch (sqlstate) {
    case ERRCODE_UNIQUE_VIOLATION:
    case ERRCODE_EXCLUSION_VIOLATION:
        return "Change or delete the live row that has the value, then restore again." + list;
    case ERRCODE_FOREIGN_KEY_VIOLATION:
        return "Restore the row that it references first." + list;
    default:
        return "The table's rules have changed since the row was deleted: change the rule, then restore "
               "again.";
    }
}

[[noreturn]] void raise_kept_back(const TableInfo &table) {
    pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
               .message = sqltext::format("not all rows of table %1% could be restored", table.title),
               .detail = "A trigger or a rule kept rows back. Nothing was restored.",
               .hint = "Make the triggers and rules for INSERT let the rows pass.",
               .relation = table.relation});
}

} // namespace

std::optional<std::string> find_deletion_time(pg::Spi &spi, std::int64_t deletion) {
    pg::UserScope owner(pg::get_extension_owner());
    pg::ExactTextScope exact;
    std::vector<pg::Row> found = spi.query(
        "SELECT deleted_at FROM softdelete_internal.deletion WHERE id = $1::pg_catalog.int8", {deletion});
    return found.empty() ? std::nullopt : std::optional(found.front().text(0));
}

namespace {

// The archive is its owner's alone, and read as his; triggers, rules and computed values are run by the role.
pg::Row run_move(pg::Spi &spi, const TableInfo &table, RestoreAs role, const std::string &statement,
                 const std::vector<pg::Parameter> &parameters) {
    const session::OwnTraits traits = {.notes = session::note_move_back, .runs_as_called = true};
    if (role == RestoreAs::caller && !stands_above(table.owner)) {
        return rows::query_as_owners(statement, parameters, traits).front();
    }
    pg::OwnerScope owner(table.owner);
    session::OwnStatement own(statement, traits);
    return spi.query(statement, parameters).front();
}

} // namespace

std::uint64_t move_back(pg::Spi &spi, const TableInfo &table, RestoreAs role,
                        const std::optional<std::string> &deletion, const std::string &condition,
                        const std::vector<pg::Parameter> &parameters) {
    std::vector<std::string> columns;
    std::vector<std::string> returned;
    for (const pg::Row &row : spi.query(columns_query, {table.relation, table.archive->relation})) {
        columns.push_back(row.text(0));
        returned.push_back("a." + row.text(0));
    }
    std::string statement =
        sqltext::format("/* softdelete */ WITH d AS (DELETE FROM %1% AS a WHERE %2% RETURNING %3%), "
                        "i AS (INSERT INTO %4% (%5%) OVERRIDING SYSTEM VALUE SELECT %5% FROM d RETURNING 1) "
                        "SELECT (SELECT pg_catalog.count(*) FROM d), (SELECT pg_catalog.count(*) FROM i)",
                        table.archive->name, condition, sqltext::join(returned, ", "), table.name,
                        sqltext::join(columns, ", "));
    bool may_show = pg::call([&] { return pg::may_show_values(table.relation); });
    try {
        const pg::Row counts = run_move(spi, table, role, statement, parameters);
        if (counts.number(0) != counts.number(1)) {
            raise_kept_back(table);
        }
        return static_cast<std::uint64_t>(counts.number(1));
    } catch (pg::ServerError &error) {
        if (ERRCODE_TO_CATEGORY(error.sqlstate()) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION) {
            error.set_message(
                sqltext::format("cannot restore rows of table %1%: %2%", table.title, error.message()));
            error.set_hint(get_archive_hint(error.sqlstate(), deletion));
            error.clear_context();
            if (!may_show) {
                error.clear_detail();
            }
        }
        throw;
    }
}

std::vector<Oid> order_tables(const std::map<Oid, std::vector<ForeignKey>> &keys) {
    std::vector<Oid> ordered;
    auto is_done = [&](Oid relation) {
        return std::find(ordered.begin(), ordered.end(), relation) != ordered.end();
    };
    auto waits = [&](Oid relation) {
        const std::vector<ForeignKey> &own = keys.at(relation);
        return std::any_of(own.begin(), own.end(), [&](const ForeignKey &key) {
            Oid parent = key.parent.relation;
            return parent != relation && keys.contains(parent) && !is_done(parent);
        });
    };
    while (ordered.size() < keys.size()) {
        auto free = std::find_if(keys.begin(), keys.end(), [&](const auto &entry) {
            return !is_done(entry.first) && !waits(entry.first);
        });
        if (free == keys.end()) {
            free = std::find_if(keys.begin(), keys.end(),
                                [&](const auto &entry) { return !is_done(entry.first); });
        }
        ordered.push_back(free->first);
    }
    return ordered;
}

namespace {

rows::RowSet find_taken(pg::Spi &spi, const TableInfo &table, std::int64_t deletion) {
    rows::RowSet found;
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &row : spi.query(
             sqltext::format(
                 "/* softdelete */ SELECT tableoid, ctid FROM %1% WHERE deletion_id = $1::pg_catalog.int8",
                 table.archive->name),
             {deletion})) {
        found.add(rows::read_row_id(row));
    }
    return found;
}

// The INSERT asks for parents. By keys that are checked at the end of the transaction that would be too late to say what was
// restored.
void check_deferred_parents(pg::Spi &spi, const TableInfo &table, const std::vector<ForeignKey> &keys,
                            std::int64_t deletion) {
    for (const ForeignKey &key : keys) {
        if (!key.is_deferrable || !catalog::binds(key.on_delete) || !key.parent.is_registered) {
            continue;
        }
        const ForeignKey archived = catalog::of_archived_children(key);
        const rows::RowSet taken = find_taken(spi, table, deletion);
        std::vector<rows::RowLink> blocked = rows::find_parents(
            spi, archived, taken, sqltext::format(" AND p.%1% IS NOT NULL LIMIT 1", key.parent.deleted_at));
        if (!blocked.empty()) {
            raise_parent_deleted(key, rows::read_link(spi, archived, blocked.front().child), std::nullopt);
        }
    }
}

} // namespace

std::uint64_t undo_archived_rows(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                                 const std::set<Oid> &cascaded) {
    std::map<Oid, std::vector<ForeignKey>> keys;
    for (const TableInfo &table : tables) {
        keys[table.relation] = catalog::find_own_keys(spi, table.relation);
    }
    std::uint64_t restored = 0;
    for (Oid relation : order_tables(keys)) {
        auto table = std::find_if(tables.begin(), tables.end(),
                                  [&](const TableInfo &candidate) { return candidate.relation == relation; });
        check_deferred_parents(spi, *table, keys.at(relation), deletion);
        const RestoreAs role = cascaded.contains(relation) ? RestoreAs::owner : RestoreAs::caller;
        restored += move_back(spi, *table, role, std::to_string(deletion),
                              sqltext::format("a.deletion_id = $1::pg_catalog.int8 AND a.%1% = "
                                              "$2::pg_catalog.timestamptz",
                                              table->archive->deleted_at),
                              {deletion, find_deletion_time(spi, deletion).value()});
    }
    return restored;
}

bool lies_below_deletion(pg::Spi &spi, const TableInfo &table, std::int64_t deletion) {
    rows::RowSet others = find_taken(spi, table, deletion);
    const rows::RowSet taken = others;
    for (const ForeignKey &key : catalog::find_own_keys(spi, table.relation)) {
        if (key.on_delete != catalog::OnDelete::cascade
            || !(key.parent.is_registered || key.parent.archive)) {
            continue;
        }
        const ForeignKey archived =
            key.parent.archive ? catalog::between_archives(key) : catalog::of_archived_children(key);
        const std::string deleted =
            key.parent.archive ? "" : sqltext::format(" AND p.%1% IS NOT NULL", key.parent.deleted_at);
        for (const rows::RowLink &link : rows::find_parents(
                 spi, archived, taken, sqltext::format("%1% AND p.deletion_id = %2%", deleted, deletion))) {
            others.remove(link.child);
        }
    }
    return others.empty();
}

void check_not_restricted(pg::Spi &spi, const std::vector<TableInfo> &tables, const std::set<Oid> &cascaded) {
    for (const TableInfo &table : tables) {
        bool is_restricted =
            !cascaded.contains(table.relation)
            && spi.query("SELECT pg_catalog.row_security_active($1::pg_catalog.oid)", {table.relation})
                   .front()
                   .boolean(0);
        if (is_restricted) {
            pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                       .message = sqltext::format("cannot restore rows of table %1% under row-level security",
                                                  table.title),
                       .detail = "The policies of the table say nothing of rows in its archive.",
                       .hint = "Restore as the table's owner, or as a role with BYPASSRLS.",
                       .relation = table.relation});
        }
    }
}

std::string make_linked(const std::vector<std::string> &columns) {
    std::string condition;
    for (const std::string &column : columns) {
        condition += sqltext::format(" AND c.%1% IS DISTINCT FROM NULL", column);
    }
    return condition;
}

} // namespace softdelete::restore
