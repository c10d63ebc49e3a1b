// The entries are found by the values, and erasure/key_holders tells which of them were of this row; they are overwritten in place.
// Called by erasure/carry_keys around the statement that gives rows other keys.
#include "erasure/recorded_keys.hpp"

#include "history/check_tracking.hpp"
#include "history/held_entries.hpp"
#include "history/overwrite_entries.hpp"
#include "history/own_columns.hpp"
#include "history/row_lives.hpp"
#include "holds/held_rows.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "rows/newest_rows.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::erasure {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;
using history::OverwrittenColumn;
using rows::RowId;
using rows::RowSet;

std::vector<std::string> make_texts(const std::vector<std::string> &names) {
    std::vector<std::string> texts;
    for (const std::string &name : names) {
        texts.push_back("CAST(t." + name + " AS pg_catalog.text)");
    }
    return texts;
}

// What the row gets. A column that the server computes may have what it had.
std::vector<OverwrittenColumn> make_columns(const RecordedKey &recorded,
                                            const std::vector<std::optional<std::string>> &values) {
    const ForeignKey &key = recorded.key;
    std::vector<OverwrittenColumn> columns;
    for (std::size_t i = 0; i < values.size(); i++) {
        const bool is_ruled =
            std::find(recorded.ruled.begin(), recorded.ruled.end(), key.parent_link.names[i])
            != recorded.ruled.end();
        if (!is_ruled && values[i] == recorded.former[i]) {
            continue;
        }
        const Oid type_id = key.child_link.types[i];
        const std::string type = pg::call([&] { return pg::format_whole_type(type_id); });
        const std::string value = values[i] ? pg::quote_literal(*values[i]) : "NULL";
        columns.push_back({key.child_link.names[i], sqltext::format("CAST(%1% AS %2%)", value, type)});
    }
    return columns;
}

// What triggers have recorded of rows that the server's cascade has changed: the former values.
RowSet find_added(pg::Spi &spi, const TableInfo &history, const RecordedKey &recorded, const RowSet &now) {
    const ForeignKey &key = recorded.key;
    const RowSet lives = history::find_last_lives(
        key.child, history::read_keys(spi, key.child, rows::find_children(spi, key, now)));
    std::vector<pg::Parameter> parameters = {lives.tables(), lives.positions()};
    std::vector<std::string> conditions;
    const std::vector<std::string> texts = make_texts(key.child_link.names);
    for (std::size_t i = 0; i < texts.size(); i++) {
        parameters.push_back(recorded.former[i]);
        conditions.push_back(
            sqltext::format("%1% IS NOT DISTINCT FROM $%2%::pg_catalog.text", texts[i], parameters.size()));
    }
    const std::string query =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid FROM %1% AS t WHERE %2% AND t.%3% = "
                        "pg_catalog.pg_current_xact_id() AND %4%",
                        history.name, rows::make_membership(history, "t", 1),
                        history::own_columns[history::transaction].name, sqltext::join(conditions, " AND "));
    RowSet entries;
    pg::OwnerScope owner(history.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &entry : spi.query(query, parameters)) {
        entries.add(rows::read_row_id(entry));
    }
    return entries;
}

} // namespace

RowSet find_row_entries(pg::Spi &spi, const TableInfo &table, Place place, const RowId &row) {
    const RowSet rows = rows::make_set(row);
    return place == Place::archive ? history::find_archived_lives(spi, table, rows).own
                                   : history::find_last_lives(table, history::read_keys(spi, table, rows));
}

std::optional<RecordedKey> read_recorded_key(pg::Spi &spi, const ForeignKey &key, Place place,
                                             const RowId &row, const std::vector<std::string> &ruled) {
    const std::optional<ForeignKey> step = find_step(spi, key, place, Place::history);
    if (!step) {
        return std::nullopt;
    }
    const RowSet rows = rows::make_set(row);
    RecordedKey recorded = {key, row, {}, ruled, {}, false};
    {
        const std::string query =
            sqltext::format("/* softdelete */ SELECT %1% FROM %2% AS t WHERE %3% AND %4%",
                            sqltext::join(make_texts(key.parent_link.names), ", "), step->parent.name,
                            rows::see_all(step->parent, "t"), rows::make_membership(step->parent, "t", 1));
        pg::OwnerScope owner(step->parent.owner);
        pg::ExactTextScope exact;
        for (const pg::Row &found : spi.query(query, {rows.tables(), rows.positions()})) {
            for (std::size_t i = 0; i < key.parent_link.names.size(); i++) {
                recorded.former.push_back(found.value(i));
            }
        }
    }
    if (recorded.former.empty()) {
        return std::nullopt;
    }
    RowSet entries = rows::find_children(spi, *step, rows);
    const RowSet lives = find_row_entries(spi, key.parent, place, row);
    if (const auto earlier = find_step(spi, key, Place::history, Place::history)) {
        entries.add_all(rows::find_children(spi, *earlier, lives));
    }
    const Belongings its = find_belongings(spi, key, Place::history, entries, [&](const RowId &holder) {
        return holder == row || lives.contains(holder);
    });
    recorded.entries = its.own;
    recorded.has_unknown = its.own.size() + its.others.size() < entries.size();
    return recorded;
}

void give_recorded_key(pg::Spi &spi, const RecordedKey &recorded, const RowSet &now,
                       const std::vector<std::optional<std::string>> &values, RecordedReport *report) {
    const std::vector<OverwrittenColumn> columns = make_columns(recorded, values);
    if (columns.empty()) {
        return;
    }
    const TableInfo &child = recorded.key.child;
    const TableInfo history = catalog::get_table(spi, history::find_history(spi, child.relation));
    RowSet found = rows::follow_updates(recorded.entries); // which another key may have reached
    found.add_all(find_added(spi, history, recorded, now));
    const RowSet held = holds::has_holds(spi) ? history::find_held_entries(spi, child) : RowSet();
    const RowSet free = rows::subtract(found, held);
    const bool is_others = child.owner != recorded.key.parent.owner;
    const history::OverwriteResult result = history::overwrite_columns(
        spi, child, columns, free, is_others ? history::IfTaken::leave : history::IfTaken::remove);
    if (report == nullptr) {
        return;
    }
    const auto tell = [&](bool is_so, const char *what) {
        if (is_so) {
            report->not_reached.insert(sqltext::format("entries of %1% that %2%", history.name, what));
        }
    };
    tell(free.size() < found.size(), "a hold protects and that keep the former key of a row");
    tell(recorded.has_unknown, "may be of another row and keep the former key");
    tell(result.leaves_some, "cannot be under the new key of a row and keep the former one");
    if (result.removed > 0) {
        report->removed[history.name] += result.removed;
    }
}

} // namespace softdelete::erasure
