// The entries are found by the values, and erasure/key_holders tells which of them were of this row; they are overwritten as by a rule.
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
#include "sqltext/format.hpp"

namespace softdelete::erasure {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;
using history::OverwrittenColumn;
using rows::RowId;
using rows::RowSet;

RowSet make_set(const RowId &row) {
    RowSet rows;
    rows.add(row);
    return rows;
}

std::vector<std::string> make_texts(const std::vector<std::string> &names) {
    std::vector<std::string> texts;
    for (const std::string &name : names) {
        texts.push_back("CAST(t." + name + " AS pg_catalog.text)");
    }
    return texts;
}

std::vector<OverwrittenColumn> make_columns(const ForeignKey &key,
                                            const std::vector<std::optional<std::string>> &values) {
    std::vector<OverwrittenColumn> columns;
    for (std::size_t i = 0; i < values.size(); i++) {
        const Oid type_id = key.child_link.types[i];
        const std::string type = pg::call([&] { return pg::format_whole_type(type_id); });
        const std::string value = values[i] ? pg::quote_literal(*values[i]) : "NULL";
        columns.push_back({key.child_link.names[i], sqltext::format("CAST(%1% AS %2%)", value, type)});
    }
    return columns;
}

// What triggers have recorded of rows that the server's cascade has changed: the former values, and, where these belong to their own
// key, under the new key which one they had before.
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
    const std::string query = sqltext::format(
        "/* softdelete */ SELECT t.tableoid, t.ctid FROM %1% AS t WHERE %2% AND t.%3% = "
        "pg_catalog.pg_current_xact_id() AND (t.%4% IS NOT NULL OR %5%)",
        history.name, rows::make_membership(history, "t", 1), history::own_columns[history::transaction].name,
        history::own_columns[history::other_key].name, sqltext::join(conditions, " AND "));
    RowSet entries;
    pg::OwnerScope owner(history.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &entry : spi.query(query, parameters)) {
        entries.add(rows::read_row_id(entry));
    }
    return entries;
}

} // namespace

std::optional<RecordedKey> read_recorded_key(pg::Spi &spi, const ForeignKey &key, Place place,
                                             const RowId &row) {
    const std::optional<ForeignKey> step = find_step(spi, key, place, Place::history);
    if (!step) {
        return std::nullopt;
    }
    const RowSet rows = make_set(row);
    RecordedKey recorded = {key, row, {}, {}, false};
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
    const RowSet lives =
        place == Place::archive
            ? history::find_archived_lives(spi, key.parent, rows).own
            : history::find_last_lives(key.parent, history::read_keys(spi, key.parent, rows));
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
                       const std::vector<std::optional<std::string>> &values,
                       std::set<std::string> *not_reached) {
    const TableInfo &child = recorded.key.child;
    const TableInfo history = catalog::get_table(spi, history::find_history(spi, child.relation));
    RowSet found = recorded.entries;
    found.add_all(find_added(spi, history, recorded, now));
    const RowSet held = holds::has_holds(spi) ? history::find_held_entries(spi, child) : RowSet();
    const RowSet free = rows::subtract(found, held);
    if (not_reached != nullptr && free.size() < found.size()) {
        not_reached->insert(sqltext::format(
            "entries of %1% that a hold protects and that keep the former key of a row", history.name));
    }
    if (not_reached != nullptr && recorded.has_unknown) {
        not_reached->insert(sqltext::format(
            "entries of %1% that may be of another row and keep the former key", history.name));
    }
    history::overwrite_columns(spi, child, make_columns(recorded.key, values), free);
}

} // namespace softdelete::erasure
