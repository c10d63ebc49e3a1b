// As ON UPDATE CASCADE would do it, level by level: an archived row whose own key has the column passes it on. A key may have
// been given to another row meanwhile: an archived row follows the one that its deletion took along, or the only one that there is.
#include "erasure/carry_keys.hpp"

#include "erasure/archived_limits.hpp"
#include "erasure/row_deletions.hpp"
#include "history/follow_table.hpp"
#include "holds/held_rows.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registry/archive_scan.hpp"
#include "registry/deletion_ids.hpp"
#include "rows/newest_rows.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

#include <algorithm>
#include <map>
#include <optional>

namespace softdelete::erasure {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;
using rows::RowId;
using rows::RowLink;
using rows::RowSet;

bool meet(const std::vector<std::string> &some, const std::vector<std::string> &others) {
    return std::any_of(some.begin(), some.end(), [&](const std::string &name) {
        return std::find(others.begin(), others.end(), name) != others.end();
    });
}

bool cascades_updates(pg::Spi &spi, const ForeignKey &key) {
    return !spi.query("SELECT FROM pg_catalog.pg_constraint WHERE oid = $1::pg_catalog.oid AND confupdtype = "
                      "'c'",
                      {key.constraint})
                .empty();
}

// These columns, and those that the server computes, of them perhaps.
std::vector<std::string> add_computed(pg::Spi &spi, Oid table, std::vector<std::string> columns) {
    for (const pg::Row &row :
         spi.query("SELECT pg_catalog.quote_ident(attname) FROM pg_catalog.pg_attribute WHERE attrelid = "
                   "$1::pg_catalog.oid AND attgenerated <> '' AND NOT attisdropped",
                   {table})) {
        columns.push_back(row.text(0));
    }
    return columns;
}

// columns: quoted.
std::map<RowId, std::string> read_columns(pg::Spi &spi, const TableInfo &archive,
                                          const std::vector<std::string> &columns, const RowSet &rows) {
    std::map<RowId, std::string> values;
    const std::string query =
        sqltext::format("/* softdelete */ SELECT c.tableoid, c.ctid, CAST(ROW(c.%1%) AS pg_catalog.text) "
                        "FROM %2% AS c WHERE %3%",
                        sqltext::join(columns, ", c."), archive.name, rows::make_membership(archive, "c", 1));
    pg::OwnerScope owner(archive.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        values.emplace(rows::read_row_id(row), row.text(2));
    }
    return values;
}

// What the server would compute of the new key in the table.
void compute_generated(pg::Spi &spi, const TableInfo &archive, const TableInfo &source, const RowSet &rows) {
    std::vector<Assignment> assignments;
    add_generated(spi, archive, source.relation, &assignments);
    if (assignments.empty()) {
        return;
    }
    std::vector<std::string> sets;
    for (const Assignment &assignment : assignments) {
        sets.push_back(sqltext::format("%1% = %2%", assignment.column, assignment.value));
    }
    const std::string alias = pg::quote_identifier(
        pg::call([&] { return get_rel_name(source.relation); })); // as the expressions may say
    const std::string statement =
        sqltext::format("%1% UPDATE %2% AS %3% SET %4% WHERE %5%", session::removal_text, archive.name, alias,
                        sqltext::join(sets, ", "), rows::make_membership(archive, alias.c_str(), 1));
    session::OwnStatement own(statement, {.notes = session::note_removal, .runs_as_called = true});
    pg::OwnerScope owner(archive.owner);
    spi.execute(statement, {rows.tables(), rows.positions()});
}

bool has_deletions(const TableInfo &table, bool is_archive) {
    return is_archive || table.is_registered;
}

} // namespace

std::set<std::string> find_still_left(pg::Spi &spi, const RowsLeft &left) {
    std::set<std::string> archives;
    for (const LeftRows &member : left.archived) {
        std::vector<RowId> before;
        for (const auto &[row, values] : member.values) {
            before.push_back(row);
        }
        const std::vector<RowId> now = rows::follow_updates(before);
        RowSet rows;
        for (const RowId &row : now) {
            rows.add(row);
        }
        const std::map<RowId, std::string> values = read_columns(spi, member.archive, member.columns, rows);
        for (std::size_t i = 0; i < before.size(); i++) {
            const auto found = values.find(now[i]);
            if (found != values.end() && found->second == member.values.at(before[i])) {
                archives.insert(member.archive.name);
            }
        }
    }
    return archives;
}

CarriedKeys::CarriedKeys(pg::Spi &spi, const TableInfo &table, const TableInfo &source,
                         const std::vector<std::string> &columns, const RowSet &rows, RowsLeft *left,
                         Reached *reached)
    : spi_(spi)
    , table_(table)
    , is_archive_(table.relation != source.relation)
    , left_(left)
    , reached_(reached == nullptr ? &own_reached_ : reached) {
    const std::vector<std::string> changed = add_computed(spi, source.relation, columns);
    std::vector<ForeignKey> keys = catalog::find_referencing_keys(spi, source.relation);
    std::erase_if(keys, [&](const ForeignKey &key) { return !meet(key.parent_link.names, changed); });
    for (const ForeignKey &key : keys) {
        if (key.child.archive) {
            find_archived(key, rows);
        }
        if (!is_archive_ && cascades_updates(spi, key)) {
            find_live(key, rows);
        }
        find_recorded(key, rows);
    }
}

CarriedKeys::~CarriedKeys() = default;

void CarriedKeys::find_archived(const ForeignKey &key, const RowSet &rows) {
    const ForeignKey step = is_archive_ ? catalog::between_archives(key) : catalog::of_archived_children(key);
    std::map<RowId, std::vector<RowId>> parents;
    RowSet children;
    for (const RowLink &link : rows::find_links_below(spi_, step, rows, " FOR UPDATE OF c")) {
        parents[link.child].push_back(link.parent);
        children.add(link.child);
    }
    if (children.empty()) {
        return;
    }
    const RowSet others = find_others(key, children, rows);
    const RowSet held = holds::has_holds(spi_)
                            ? holds::find_held_rows(spi_, step.child, children, holds::Harm::overwriting)
                            : RowSet();
    const auto its = read_deletions(spi_, step.child, children);
    const auto theirs = has_deletions(table_, is_archive_) ? read_deletions(spi_, table_, rows)
                                                           : std::map<RowId, std::string>();
    std::map<RowId, RowSet> families;
    RowSet left;
    for (const auto &[child, candidates] : parents) {
        auto same = std::find_if(candidates.begin(), candidates.end(), [&](const RowId &parent) {
            return is_same_deletion(its, child, theirs, parent);
        });
        if (held.contains(child) || (same == candidates.end() && others.contains(child))) {
            left.add(child);
            continue;
        }
        families[same == candidates.end() ? candidates.front() : *same].add(child);
    }
    if (left_ != nullptr && !left.empty()) {
        const std::vector<std::string> &names = step.child_link.names;
        left_->archived.push_back({step.child, names, read_columns(spi_, step.child, names, left)});
    }
    for (auto &[parent, members] : families) {
        families_.push_back({step, parent, std::move(members)});
    }
}

// Of these archived rows, those that may reference a row which is none of ours.
RowSet CarriedKeys::find_others(const ForeignKey &key, const RowSet &children, const RowSet &rows) {
    RowSet others;
    if (is_archive_) {
        for (const RowLink &link : rows::find_parents(spi_, catalog::of_archived_children(key), children)) {
            others.add(link.child);
        }
    }
    if (!key.parent.archive) {
        return others;
    }
    const std::vector<RowLink> archived = rows::find_parents(spi_, catalog::between_archives(key), children);
    RowSet parents;
    for (const RowLink &link : archived) {
        parents.add(link.parent);
    }
    const auto its = read_deletions(spi_, catalog::get_archive(key.child), children);
    const auto theirs = read_deletions(spi_, catalog::get_archive(key.parent), parents);
    for (const RowLink &link : archived) {
        if (is_archive_ ? !rows.contains(link.parent)
                        : is_same_deletion(its, link.child, theirs, link.parent)) {
            others.add(link.child);
        }
    }
    return others;
}

// What the server's own cascade changes is passed on as well.
void CarriedKeys::find_live(const ForeignKey &key, const RowSet &rows) {
    const std::vector<std::string> &columns = key.child_link.names;
    const std::vector<std::string> changed = add_computed(spi_, key.child.relation, columns);
    const std::vector<ForeignKey> keys = catalog::find_referencing_keys(spi_, key.child.relation);
    const bool passes_on = std::any_of(keys.begin(), keys.end(), [&](const ForeignKey &next) {
        return next.constraint != key.constraint && meet(next.parent_link.names, changed);
    });
    const RowSet found = passes_on ? rows::find_children(spi_, key, rows) : RowSet();
    RowSet children;
    for (const RowId &row : found.ids()) {
        if (reached_->insert({key.constraint, row}).second) {
            children.add(row);
        }
    }
    if (!children.empty()) {
        below_.push_back(std::unique_ptr<CarriedKeys>(
            new CarriedKeys(spi_, key.child, key.child, columns, children, left_, reached_)));
    }
}

// Of each row by itself: each gets a key of its own.
void CarriedKeys::find_recorded(const ForeignKey &key, const RowSet &rows) {
    if (!pg::call([] { return history::has_histories(); })) {
        return;
    }
    for (const RowId &row : rows.ids()) {
        if (auto recorded = read_recorded_key(spi_, key, is_archive_ ? Place::archive : Place::table, row)) {
            recorded_.push_back(std::move(*recorded));
        }
    }
}

// The values of the parent's key now.
std::vector<std::optional<std::string>> CarriedKeys::read_key(const ForeignKey &key, const RowId &row) {
    RowSet parent;
    for (const RowId &now : rows::follow_updates(std::vector<RowId>{row})) {
        parent.add(now);
    }
    std::vector<std::string> columns;
    for (const std::string &name : key.parent_link.names) {
        columns.push_back("CAST(p." + name + " AS pg_catalog.text)");
    }
    std::vector<std::optional<std::string>> values;
    pg::OwnerScope owner(table_.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row :
         spi_.query(sqltext::format("/* softdelete */ SELECT %1% FROM %2% AS p WHERE %3% AND %4%",
                                    sqltext::join(columns, ", "), table_.name, rows::see_all(table_, "p"),
                                    rows::make_membership(table_, "p", 1)),
                    {parent.tables(), parent.positions()})) {
        for (std::size_t i = 0; i < columns.size(); i++) {
            values.emplace_back(row.value(i));
        }
    }
    return values;
}

void CarriedKeys::give_key(const Family &family) {
    const std::vector<std::optional<std::string>> values = read_key(family.key, family.parent);
    if (values.empty()) {
        return;
    }
    const TableInfo &archive = family.key.child;
    RowSet children = rows::follow_updates(family.children);
    std::vector<std::string> sets;
    std::vector<std::string> differences;
    std::vector<pg::Parameter> parameters = {children.tables(), children.positions()};
    for (std::size_t i = 0; i < values.size(); i++) {
        const std::string &name = family.key.child_link.names[i];
        const Oid type_id = family.key.child_link.types[i];
        const std::string type = pg::call([&] { return pg::format_whole_type(type_id); });
        sets.push_back(sqltext::format("%1% = CAST($%2%::pg_catalog.text AS %3%)", name, i + 3, type));
        differences.push_back(sqltext::format(
            "CAST(c.%1% AS pg_catalog.text) IS DISTINCT FROM $%2%::pg_catalog.text", name, i + 3));
        parameters.push_back(values[i]);
    }
    const std::string statement =
        sqltext::format("%1% UPDATE %2% AS c SET %3% WHERE %4% AND (%5%)", session::removal_text,
                        archive.name, sqltext::join(sets, ", "), rows::make_membership(archive, "c", 1),
                        sqltext::join(differences, " OR "));
    const Oid kept = pg::call([&] { return registry::find_table_of_archive(archive.relation); });
    const TableInfo source = catalog::get_table(spi_, kept);
    CarriedKeys below(spi_, archive, source, family.key.child_link.names, children, left_);
    std::uint64_t changed = 0;
    {
        session::OwnStatement own(statement, {.notes = session::note_removal, .runs_as_called = true});
        pg::OwnerScope owner(archive.owner);
        pg::ExactTextScope exact;
        changed = spi_.execute(statement, parameters);
    }
    if (changed > 0) {
        compute_generated(spi_, archive, source, rows::follow_updates(children));
        below.carry();
    }
}

void CarriedKeys::carry() {
    for (const RecordedKey &recorded : recorded_) {
        const std::vector<std::optional<std::string>> values = read_key(recorded.key, recorded.row);
        if (!values.empty()) {
            RowSet now;
            now.add(recorded.row);
            give_recorded_key(spi_, recorded, rows::follow_updates(now), values,
                              left_ == nullptr ? nullptr : &left_->recorded);
        }
    }
    for (const Family &family : families_) {
        give_key(family);
    }
    for (const auto &below : below_) {
        below->carry();
    }
}

} // namespace softdelete::erasure
