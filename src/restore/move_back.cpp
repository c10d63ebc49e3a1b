// A row leaves the archive and comes into its table by one statement, which triggers see as an INSERT. The archive is its
// owner's alone, and read as his; triggers, rules and computed values are run by the role.
#include "restore/move_back.hpp"

#include "catalog/rule_catalog.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "rows/owners_statement.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

#include <algorithm>
#include <set>

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

std::string get_archive_hint(int sqlstate, const std::optional<std::string> &deletion, bool is_circle_cut) {
    std::string list =
        deletion ? sqltext::format(" SELECT * FROM softdelete.conflicts(%1%) lists all conflicts.", *deletion)
                 : "";
    switch (sqlstate) {
    case ERRCODE_UNIQUE_VIOLATION:
    case ERRCODE_EXCLUSION_VIOLATION:
        return make_taken_hint(deletion);
    case ERRCODE_FOREIGN_KEY_VIOLATION:
        if (is_circle_cut) {
            return "Foreign keys go round in a circle over tables of several owners: make one of them "
                   "DEFERRABLE INITIALLY DEFERRED, then restore again.";
        }
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

// One that came while nobody looked: event triggers can be off.
void check_rules(pg::Spi &spi, const TableInfo &table) {
    if (!pg::call([&] { return pg::has_rules(table.relation); })) {
        return;
    }
    if (auto rule = catalog::find_insert_rule(spi, table.relation)) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format(
                       "cannot restore rows of table %1% while it has rule \"%2%\" for INSERT", table.title,
                       rule->name),
                   .detail = catalog::insert_rule_reason,
                   .hint = sqltext::format("Run DROP RULE %1% ON %2%, or disable it, then restore again.",
                                           pg::quote_identifier(rule->name), rule->table),
                   .relation = table.relation});
    }
}

pg::Row run_move(pg::Spi &spi, const TableInfo &table, RestoreAs role, std::int64_t deletion,
                 const std::string &statement, const std::vector<pg::Parameter> &parameters) {
    const session::OwnTraits traits = {
        .notes = session::note_move_back, .runs_as_called = true, .restored = deletion};
    if (role == RestoreAs::caller && !stands_above(table.owner)) {
        return rows::query_as_owners(statement, parameters, traits).front();
    }
    pg::OwnerScope owner(table.owner);
    session::OwnStatement own(statement, traits);
    return spi.query(statement, parameters).front();
}

// Between the strategies the table has these columns as well.
bool tells_of_deletion(const TableInfo &table, const std::string &column) {
    return table.is_registered
           && (column == table.deleted_at || column == table.deleted_by || column == "deletion_id");
}

// What leaves the archive and what comes into the table, as the WITH queries d1 and i1, d2 and i2, and so on. A row all of
// whose columns are generated is a row all the same.
std::string make_move(pg::Spi &spi, const ArchivePart &part, std::size_t number) {
    std::vector<std::string> columns;
    std::vector<std::string> returned;
    for (const pg::Row &row :
         spi.query(columns_query, {part.table->relation, part.table->archive->relation})) {
        if (tells_of_deletion(*part.table, row.text(0))) {
            continue;
        }
        columns.push_back(row.text(0));
        returned.push_back("a." + row.text(0));
    }
    std::string list = sqltext::join(columns, ", ");
    return sqltext::format(
        "d%1% AS (DELETE FROM %2% AS a WHERE %3% RETURNING %4%), "
        "i%1% AS (INSERT INTO %5%%6% OVERRIDING SYSTEM VALUE SELECT %7% FROM d%1% RETURNING 1)",
        number, part.archive, part.condition, (columns.empty() ? "1" : sqltext::join(returned, ", ")),
        part.table->name, (columns.empty() ? "" : " (" + list + ")"), list);
}

std::string make_statement(pg::Spi &spi, const std::vector<ArchivePart> &parts) {
    std::vector<std::string> moves;
    std::vector<std::string> counts;
    for (const ArchivePart &part : parts) {
        std::size_t number = moves.size() + 1;
        moves.push_back(make_move(spi, part, number));
        counts.push_back(sqltext::format("(SELECT pg_catalog.count(*) FROM d%1%), (SELECT "
                                         "pg_catalog.count(*) FROM i%1%)",
                                         number));
    }
    return sqltext::format("/* softdelete */ WITH %1% SELECT %2%", sqltext::join(moves, ", "),
                           sqltext::join(counts, ", "));
}

std::string name_tables(const std::vector<ArchivePart> &parts) {
    std::vector<std::string> titles;
    for (const ArchivePart &part : parts) {
        titles.push_back(part.table->title);
    }
    return (titles.size() == 1 ? "table " : "tables ") + sqltext::join(titles, ", ");
}

} // namespace

deletion::RestoredRows move_back(pg::Spi &spi, const std::vector<ArchivePart> &parts, RestoreAs role,
                                 std::int64_t deletion, bool is_circle_cut,
                                 const std::vector<pg::Parameter> &parameters) {
    for (const ArchivePart &part : parts) {
        check_rules(spi, *part.table);
    }
    std::string statement = make_statement(spi, parts);
    bool may_show = pg::call([&] {
        return std::all_of(parts.begin(), parts.end(),
                           [](const ArchivePart &part) { return pg::may_show_values(part.table->relation); });
    });
    try {
        const pg::Row counts = run_move(spi, *parts.front().table, role, deletion, statement, parameters);
        deletion::RestoredRows restored;
        for (std::size_t i = 0; i < parts.size(); i++) {
            if (counts.number(2 * i) != counts.number(2 * i + 1)) {
                raise_kept_back(*parts[i].table);
            }
            restored[parts[i].table->relation] += static_cast<std::uint64_t>(counts.number(2 * i + 1));
        }
        return restored;
    } catch (pg::ServerError &error) {
        if (ERRCODE_TO_CATEGORY(error.sqlstate()) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION) {
            error.set_message(
                sqltext::format("cannot restore rows of %1%: %2%", name_tables(parts), error.message()));
            error.set_hint(get_archive_hint(
                error.sqlstate(), deletion != 0 ? std::optional(std::to_string(deletion)) : std::nullopt,
                is_circle_cut));
            error.clear_context();
            if (!may_show) {
                error.clear_detail();
            }
        }
        throw;
    }
}

} // namespace softdelete::restore
