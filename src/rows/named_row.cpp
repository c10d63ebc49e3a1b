// Finds the row that hold(), erase(), anonymize() and restore() name by its key. Key values come in the session's
// formats and are read back from the row in one that every session understands.
#include "rows/named_row.hpp"
#include "sqltext/format.hpp"

#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"

#include <boost/algorithm/string/trim.hpp>

#include <algorithm>

namespace softdelete::rows {

namespace {

using catalog::TableInfo;

// Who holds a row for others wants it as it is now; who changes it has to know it.
std::vector<pg::Row> query(pg::Spi &spi, const std::string &query, const std::vector<pg::Parameter> &values,
                           SubjectLock lock) {
    return lock == SubjectLock::for_key_share ? spi.query_latest(query, values) : spi.query(query, values);
}

std::vector<std::string> read_key(pg::Spi &spi, const SubjectRow &row, SubjectLock lock) {
    std::vector<std::string> names;
    for (const catalog::KeyColumn &column : row.columns) {
        names.push_back("t." + column.name);
    }
    std::string statement = sqltext::format("/* softdelete */ SELECT %1% FROM %2% AS t WHERE %3% AND %4%",
                                            sqltext::join(names, ", "), row.table.name,
                                            see_all(row.table, "t"), make_membership(row.table, "t", 1));
    pg::ExactTextScope texts;
    pg::Row found = query(spi, statement, {row.rows.tables(), row.rows.positions()}, lock).front();
    std::vector<std::string> key;
    for (std::size_t i = 0; i < names.size(); i++) {
        key.push_back(found.text(i));
    }
    return key;
}

} // namespace

TableInfo get_owned_table(pg::Spi &spi, Oid relation) {
    TableInfo table = get_owned_soft_table(spi, relation);
    if (!table.is_registered) {
        catalog::refuse_archive(table.title, table.relation);
    }
    return table;
}

TableInfo get_owned_soft_table(pg::Spi &spi, Oid relation) {
    TableInfo table = catalog::get_soft_table(spi, relation);
    if (!pg::owns_relation(table.relation)) {
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = "must be owner of table " + table.title.substr(1, table.title.size() - 2),
                   .hint = "The table's owner, a member of that role, or a superuser can do this.",
                   .relation = table.relation});
    }
    return table;
}

SubjectRow get_subject_row(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &key,
                           SubjectLock lock) {
    std::optional<SubjectRow> row = find_subject_row(spi, table, key, lock);
    if (!row) {
        raise_no_such_row(table, key);
    }
    return *row;
}

std::optional<SubjectRow> find_subject_row(pg::Spi &spi, const TableInfo &table,
                                           const std::vector<std::string> &key, SubjectLock lock) {
    SubjectRow row = {table, {}, catalog::find_primary_key(spi, table.relation), {}};
    catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    std::string statement =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid FROM %1% AS t WHERE %2% AND "
                        "%3% FOR %4%",
                        table.name, see_all(table, "t"), lookup.condition,
                        (lock == SubjectLock::for_update ? "UPDATE" : "KEY SHARE"));
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &found : query(spi, statement, lookup.values, lock)) {
        row.rows.add(read_row_id(found));
    }
    if (row.rows.empty()) {
        return std::nullopt;
    }
    row.key = read_key(spi, row, lock);
    return row;
}

void check_reason(const std::optional<std::string> &reason, const std::vector<std::string> &key) {
    if (!reason || boost::algorithm::trim_copy(*reason).empty()) {
        pg::raise({.sqlstate = reason ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_NULL_VALUE_NOT_ALLOWED,
                   .message = reason ? "reason must not be empty" : "argument \"reason\" must not be null",
                   .hint = "Say why, as in 'request 1234'."});
    }
    if (std::find(key.begin(), key.end(), boost::algorithm::trim_copy(*reason)) != key.end()) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "reason must not be a value of the key",
                   .detail = "The reason is kept and shown.",
                   .hint = "Say why, as in 'request 1234'; the key follows the reason."});
    }
}

void raise_no_such_row(const catalog::TableInfo &table, const std::vector<std::string> &key) {
    pg::raise({.sqlstate = ERRCODE_NO_DATA_FOUND,
               .message = sqltext::format("table %1% has no row with key (%2%)", table.title,
                                          sqltext::join(key, ", ")),
               .hint = "Neither a live nor a deleted row has it. softdelete.purge_log and "
                       "softdelete.erasure_log tell what was removed.",
               .relation = table.relation});
}

void raise_not_removed(const catalog::TableInfo &table) {
    pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               .message = sqltext::format("not all rows of table %1% could be removed", table.title),
               .detail = "A trigger or rule of the table kept rows. Nothing was removed.",
               .hint = "Disable the trigger or rule, or let it pass rows that are erased.",
               .relation = table.relation});
}

} // namespace softdelete::rows
