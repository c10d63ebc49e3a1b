// Finds the row that hold(), erase(), anonymize() and restore() name by its key. Key values come in the session's
// formats and are read back from the row in one that every session understands.
#include "rows/named_row.hpp"
#include "session/distributed_tables.hpp"
#include "sqltext/format.hpp"

#include "pg/called_settings.hpp"
#include "pg/interruptions.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "rows/follow_links.hpp"

#include <boost/algorithm/string/trim.hpp>

#include <algorithm>

namespace softdelete::rows {

namespace {

using catalog::TableInfo;

// Who holds a row for others wants it as it is now; who changes it has to know it.
pg::Rows query(pg::Spi &spi, const std::string &query, const std::vector<pg::Parameter> &values,
               SubjectLock lock) {
    return lock == SubjectLock::for_key_share ? spi.query_latest(query, values) : spi.query(query, values);
}

// With the row's place: where the lock is one for keys only, the row may move on to another as soon as it is locked.
std::string select_key(const std::vector<catalog::KeyColumn> &columns) {
    std::vector<std::string> names = {"t.tableoid", "t.ctid"};
    for (const catalog::KeyColumn &column : columns) {
        names.push_back("t." + column.name);
    }
    return sqltext::join(names, ", ");
}

std::vector<std::string> read_key(const pg::Row &found, std::size_t columns) {
    std::vector<std::string> key;
    for (std::size_t i = 0; i < columns; i++) {
        key.push_back(found.text(i + 2));
    }
    return key;
}

[[noreturn]] void refuse_key_as_reason() {
    pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
               .message = "reason must not be a value of the key",
               .detail = "The reason is kept and shown.",
               .hint = "Say why, as in 'request 1234'; the key follows the reason."});
}

// The column's own, which a value has not.
std::string get_collation(pg::Spi &spi, const TableInfo &table, const catalog::KeyColumn &column) {
    if (column.is_deterministic) {
        return "";
    }
    return spi
        .query(
            "SELECT pg_catalog.format(' COLLATE %I.%I', n.nspname, c.collname) FROM pg_catalog.pg_attribute a"
            " JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation"
            " JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace"
            " WHERE a.attrelid = $1::pg_catalog.oid AND pg_catalog.quote_ident(a.attname) = $2",
            {table.relation, column.name})
        .front()
        .text(0);
}

// What the type does not take is no value of it.
bool is_value(pg::Spi &spi, const TableInfo &table, const catalog::KeyColumn &column, const std::string &text,
              const pg::Parameter &value) {
    if (!pg::may_be_value(text, column.type_id)) {
        return false;
    }
    try {
        pg::OwnerScope owner(table.owner); // ends after the savepoint, as it began before it
        pg::Subtransaction savepoint;
        pg::Parameter read(pg::read_as_caller(text, column.type_id, table.owner, ""), column.type_id, false);
        bool is_same =
            spi.query("SELECT "
                          + column.equality.of("$1" + column.cast, "$2" + get_collation(spi, table, column)),
                      {read, value})
                .front()
                .boolean(0);
        savepoint.commit();
        return is_same;
    } catch (const pg::ServerError &error) {
        if (pg::is_interruption(error)) {
            throw;
        }
        return false;
    }
}

void check_owner(const TableInfo &table) {
    if (!pg::owns_relation(table.relation)) {
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = "must be owner of table " + table.title.substr(1, table.title.size() - 2),
                   .hint = "The table's owner, a member of that role, or a superuser can do this.",
                   .relation = table.relation});
    }
}

} // namespace

TableInfo get_owned_table(pg::Spi &spi, Oid relation) {
    TableInfo table = get_owned_soft_table(spi, relation);
    if (!table.is_registered) {
        catalog::refuse_archive(table.title, table.relation);
    }
    return table;
}

namespace {

TableInfo get_owned(pg::Spi &spi, Oid relation, TableInfo (*get)(pg::Spi &, Oid)) {
    pg::call([&] { session::refuse_distributed(relation); });
    check_owner(get(spi, relation));
    // Whoever drops or changes the table waits, and who waited for him sees it.
    pg::lock_relation(relation, pg::Lock::row_share);
    TableInfo table = get(spi, relation);
    check_owner(table);
    return table;
}

} // namespace

TableInfo get_owned_soft_table(pg::Spi &spi, Oid relation) {
    return get_owned(spi, relation, catalog::get_soft_table);
}

TableInfo get_owned_users_table(pg::Spi &spi, Oid relation) {
    return get_owned(spi, relation, catalog::get_users_table);
}

SubjectRow get_subject_row(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &key,
                           SubjectLock lock) {
    std::optional<SubjectRow> row = find_subject_row(spi, table, key, lock);
    if (!row) {
        raise_no_such_row(table, key);
    }
    return *row;
}

namespace {

// place: the table or its archive.
std::optional<SubjectRow> find_rows_in(pg::Spi &spi, const TableInfo &place, const TableInfo &table,
                                       const std::vector<std::string> &key, SubjectLock lock) {
    SubjectRow row = {place, {}, catalog::find_primary_key(spi, table.relation), {}};
    catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    std::string statement =
        sqltext::format("/* softdelete */ SELECT %1% FROM %2% AS t WHERE %3% AND %4% FOR %5%",
                        select_key(row.columns), place.name, see_all(place, "t"), lookup.condition,
                        (lock == SubjectLock::for_update ? "UPDATE" : "KEY SHARE"));
    pg::OwnerScope owner(place.owner);
    pg::ExactTextScope texts;
    const pg::Rows found = query(spi, statement, lookup.values, lock);
    if (found.empty()) {
        return std::nullopt;
    }
    for (const pg::Row &version : found) {
        row.rows.add(read_row_id(version));
    }
    row.key = read_key(found.front(), row.columns.size());
    return row;
}

} // namespace

std::optional<SubjectRow> find_subject_row(pg::Spi &spi, const TableInfo &table,
                                           const std::vector<std::string> &key, SubjectLock lock) {
    return find_rows_in(spi, table, table, key, lock);
}

// Whoever waits for the lock of an archived row may find it gone: it is in the table, where none was before, or the key was
// given anew. A row that is locked stays.
KeyedRows find_keyed_rows(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &key,
                          SubjectLock lock) {
    KeyedRows found = {find_subject_row(spi, table, key, lock), std::nullopt};
    if (table.archive) {
        const TableInfo archive = catalog::get_archive(table);
        found.archived = find_rows_in(spi, archive, table, key, lock);
        if (!found.row) {
            found.row = find_subject_row(spi, table, key, lock);
            found.archived = found.row ? find_rows_in(spi, archive, table, key, lock) : found.archived;
        }
    }
    return found;
}

const std::vector<std::string> &KeyedRows::get_key(const TableInfo &table,
                                                   const std::vector<std::string> &given) const {
    if (!row && !archived) {
        raise_no_such_row(table, given);
    }
    return (row ? row : archived)->key;
}

void check_reason(const std::optional<std::string> &reason, const std::vector<std::string> &key) {
    if (!reason || boost::algorithm::trim_copy(*reason).empty()) {
        pg::raise({.sqlstate = reason ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_NULL_VALUE_NOT_ALLOWED,
                   .message = reason ? "reason must not be empty" : "argument \"reason\" must not be null",
                   .hint = "Say why, as in 'request 1234'."});
    }
    if (std::find(key.begin(), key.end(), boost::algorithm::trim_copy(*reason)) != key.end()) {
        refuse_key_as_reason();
    }
}

void check_reason_as_key(pg::Spi &spi, const TableInfo &table, const std::string &reason,
                         const std::vector<std::string> &key) {
    check_reason(reason, key);
    const std::vector<catalog::KeyColumn> columns = catalog::find_primary_key(spi, table.relation);
    const catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    for (std::size_t i = 0; i < columns.size(); i++) {
        if (is_value(spi, table, columns[i], reason, lookup.values[i])
            || is_value(spi, table, columns[i], boost::algorithm::trim_copy(reason), lookup.values[i])) {
            refuse_key_as_reason();
        }
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

void raise_not_removed(const catalog::TableInfo &table, Occasion occasion) {
    const bool is_purge = occasion == Occasion::purge; // whose batches stand
    pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               .message = sqltext::format("not all rows of table %1% could be removed", table.title),
               .detail = sqltext::format("A trigger or rule of the table kept rows. %1%",
                                         (is_purge ? "Other rows are gone." : "Nothing was removed.")),
               .hint = sqltext::format("Disable the trigger or rule, or let it pass rows that are %1%.",
                                       (is_purge                        ? "purged"
                                        : occasion == Occasion::erasure ? "erased"
                                                                        : "anonymized")),
               .relation = table.relation});
}

void raise_not_overwritten(const catalog::TableInfo &table) {
    pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               .message = sqltext::format("not all rows of table %1% could be overwritten", table.title),
               .detail = "A trigger or rule of the table kept rows. Nothing was changed.",
               .hint = "Disable the trigger or rule, or let it pass rows that are anonymized.",
               .relation = table.relation});
}

} // namespace softdelete::rows
