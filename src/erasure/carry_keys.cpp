// As ON UPDATE CASCADE would do it, level by level: an archived row whose own key has the column passes it on. A key may have
// been given to another row meanwhile: erasure/key_holders tells whose an archived row was, under the key of today or a former one.
#include "erasure/carry_keys.hpp"

#include "erasure/archived_limits.hpp"
#include "history/follow_table.hpp"
#include "holds/held_rows.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registry/archive_scan.hpp"
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
    , ruled_(columns)
    , changed_(add_computed(spi, source.relation, columns))
    , left_(left)
    , reached_(reached == nullptr ? &own_reached_ : reached) {
    std::vector<ForeignKey> keys = catalog::find_referencing_keys(spi, source.relation);
    std::erase_if(keys, [&](const ForeignKey &key) { return !meet(key.parent_link.names, changed_); });
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

// Of each row by itself: each gets a key of its own.
void CarriedKeys::find_archived(const ForeignKey &key, const RowSet &rows) {
    const Place place = is_archive_ ? Place::archive : Place::table;
    const std::optional<ForeignKey> step = find_step(spi_, key, place, Place::archive);
    if (!step) {
        return;
    }
    std::optional<ForeignKey> earlier;
    if (pg::call([] { return history::has_histories(); })) {
        earlier = find_step(spi_, key, Place::history, Place::archive);
    }
    RowSet parents = rows;
    if (!earlier) { // few have any
        parents = RowSet();
        for (const RowLink &link : rows::find_links_below(spi_, *step, rows)) {
            parents.add(link.parent);
        }
    }
    for (const RowId &row : parents.ids()) {
        RowSet entries;
        RowSet children = rows::lock_children(spi_, *step, rows::make_set(row));
        const RowSet present = children;
        if (earlier) {
            entries = find_row_entries(spi_, key.parent, place, row);
            children.add_all(rows::lock_children(
                spi_, *earlier, pick_values(spi_, earlier->parent, earlier->parent_link.names, entries)));
        }
        if (children.empty()) {
            continue;
        }
        const Belongings its = find_belongings(spi_, key, Place::archive, children, [&](const RowId &holder) {
            return holder == row || entries.contains(holder);
        });
        const RowSet held = holds::has_holds(spi_)
                                ? holds::find_held_rows(spi_, step->child, children, holds::Harm::overwriting)
                                : RowSet();
        // What another row had under a former key of this one is not asked about.
        RowSet left = rows::subtract(children, rows::subtract(its.others, present));
        RowSet own = rows::subtract(its.own, held);
        left = rows::subtract(left, own);
        if (left_ != nullptr && !left.empty()) {
            const std::vector<std::string> &names = step->child_link.names;
            left_->archived.push_back({step->child, names, read_columns(spi_, step->child, names, left)});
        }
        if (!own.empty()) {
            families_.push_back({*step, row, std::move(own), find_places(key)});
        }
    }
}

std::vector<std::size_t> CarriedKeys::find_places(const ForeignKey &key) const {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < key.parent_link.names.size(); i++) {
        if (meet({key.parent_link.names[i]}, changed_)) {
            places.push_back(i);
        }
    }
    return places;
}

// What the server's own cascade changes is passed on as well.
void CarriedKeys::find_live(const ForeignKey &key, const RowSet &rows) {
    std::vector<std::string> columns;
    for (std::size_t place : find_places(key)) {
        columns.push_back(key.child_link.names[place]);
    }
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
        if (auto recorded =
                read_recorded_key(spi_, key, is_archive_ ? Place::archive : Place::table, row, ruled_)) {
            recorded_.push_back(std::move(*recorded));
        }
    }
}

// The values of the parent's key now.
std::vector<std::optional<std::string>> CarriedKeys::read_key(const ForeignKey &key, const RowId &row) {
    const RowSet parent = rows::follow_updates(rows::make_set(row));
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
    std::vector<std::string> names;
    std::vector<pg::Parameter> parameters = {children.tables(), children.positions()};
    for (std::size_t i : family.places) {
        const std::string &name = family.key.child_link.names[i];
        const Oid type_id = family.key.child_link.types[i];
        const std::string type = pg::call([&] { return pg::format_whole_type(type_id); });
        names.push_back(name);
        parameters.push_back(values[i]);
        sets.push_back(
            sqltext::format("%1% = CAST($%2%::pg_catalog.text AS %3%)", name, parameters.size(), type));
        differences.push_back(
            sqltext::format("CAST(c.%1% AS pg_catalog.text) IS DISTINCT FROM $%2%::pg_catalog.text", name,
                            parameters.size()));
    }
    const std::string statement =
        sqltext::format("%1% UPDATE %2% AS c SET %3% WHERE %4% AND (%5%)", session::removal_text,
                        archive.name, sqltext::join(sets, ", "), rows::make_membership(archive, "c", 1),
                        sqltext::join(differences, " OR "));
    const Oid kept = pg::call([&] { return registry::find_table_of_archive(archive.relation); });
    const TableInfo source = catalog::get_table(spi_, kept);
    CarriedKeys below(spi_, archive, source, names, children, left_);
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

// Archives first: a history that tells what archived rows were is asked for those below them.
void CarriedKeys::carry() {
    for (const Family &family : families_) {
        give_key(family);
    }
    for (const RecordedKey &recorded : recorded_) {
        const std::vector<std::optional<std::string>> values = read_key(recorded.key, recorded.row);
        if (!values.empty()) {
            give_recorded_key(spi_, recorded, rows::follow_updates(rows::make_set(recorded.row)), values,
                              left_ == nullptr ? nullptr : &left_->recorded);
        }
    }
    for (const auto &below : below_) {
        below->carry();
    }
}

} // namespace softdelete::erasure
