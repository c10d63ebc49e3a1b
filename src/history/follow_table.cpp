// Compares the table with what the registry says of its history's columns, and makes up for the difference. Runs as the
// table's owner, as DDL of ours.
#include "history/follow_table.hpp"

#include "history/check_tracking.hpp"
#include "history/history_definition.hpp"
#include "history/history_triggers.hpp"
#include "history/other_keys.hpp"
#include "history/tracked_table.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "registry/history_scan.hpp"
#include "registry/registry_scan.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace softdelete::history {

namespace {

using catalog::TableInfo;

// A column that the history fills today: its definition there, as history_definition writes it.
using CurrentColumns = std::map<std::string, std::string>;

CurrentColumns read_current_columns(pg::Spi &spi, const TableInfo &table, Oid history) {
    std::map<std::string, std::string> definitions;
    for (const SourceColumn &column : read_source_columns(spi, history)) {
        definitions[column.name] = column.definition;
    }
    CurrentColumns current;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row :
         spi.query("SELECT history_column FROM softdelete_internal.history_column WHERE relation = "
                   "$1::pg_catalog.oid AND until IS NULL",
                   {table.relation})) {
        current[row.text(0)] = definitions[row.text(0)];
    }
    return current;
}

std::set<std::string> read_left_out(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    std::set<std::string> names;
    for (const pg::Row &row :
         spi.query("SELECT pg_catalog.unnest(left_out) FROM softdelete_internal.tracked_table WHERE "
                   "relation = $1::pg_catalog.oid",
                   {relation})) {
        names.insert(row.text(0));
    }
    return names;
}

std::string choose_former_name(pg::Spi &spi, Oid history, const std::string &column) {
    for (int number = 1;; number++) {
        std::string name = pg::make_object_name(column, "former", number == 1 ? "" : std::to_string(number));
        if (spi.query("SELECT FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND attname = "
                      "$2::pg_catalog.name",
                      {history, name})
                .empty()) {
            return name;
        }
    }
}

class Follower {
public:
    Follower(pg::Spi &spi, const TableInfo &table, Oid history)
        : spi_(spi)
        , table_(table)
        , history_(catalog::get_table(spi, history)) {}

    void run() {
        follow_owner();
        follow_columns();
        follow_key();
        follow_other_keys(spi_, table_, history_);
        pg::UserScope owner(table_.owner);
        complete_triggers(spi_, table_.relation);
    }

    void rename(const std::string &before, const std::string &now) {
        if (is_own_column(now)) {
            raise_own_name(table_, now);
        }
        {
            pg::UserScope owner(pg::get_extension_owner());
            spi_.execute("UPDATE softdelete_internal.tracked_table SET left_out = "
                         "pg_catalog.array_replace(left_out, $2::pg_catalog.name, $3::pg_catalog.name) WHERE "
                         "relation = $1::pg_catalog.oid",
                         {table_.relation, before, now});
        }
        CurrentColumns current = read_current_columns(spi_, table_, history_.relation);
        if (current.contains(before)) {
            make_room(now);
            rename_column(before, now);
            set_names(before, now, now);
        }
    }

private:
    void follow_owner() {
        if (history_.owner == table_.owner) {
            return;
        }
        // The new owner may not be able to create tables in the schema; the one that the command runs as can give it.
        pg::UserScope owner(pg::get_extension_owner());
        std::string name = pg::quote_identifier(
            spi_.query("SELECT pg_catalog.pg_get_userbyid($1::pg_catalog.oid)", {table_.owner})
                .front()
                .text(0));
        for (const pg::Row &member : spi_.query(
                 "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM "
                 "pg_catalog.pg_partition_tree($1::pg_catalog.oid) p JOIN pg_catalog.pg_class c ON c.oid = "
                 "p.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY p.level, 1",
                 {history_.relation})) {
            spi_.execute(sqltext::format("ALTER TABLE %1% OWNER TO %2%", member.text(0), name));
        }
    }

    void follow_columns() {
        CurrentColumns current = read_current_columns(spi_, table_, history_.relation);
        std::set<std::string> left_out = read_left_out(spi_, table_.relation);
        std::vector<SourceColumn> added;
        for (const SourceColumn &column : read_source_columns(spi_, table_.relation)) {
            if (!column.is_stored || left_out.contains(column.name)) {
                continue;
            }
            auto there = current.find(column.name);
            bool is_same =
                there != current.end() && (there->second == column.definition || retype_key(column));
            if (!is_same) {
                added.push_back(column);
            } else {
                current.erase(there);
            }
        }
        for (const auto &[name, definition] : current) {
            retire(name);
        }
        for (const SourceColumn &column : added) {
            add(column);
        }
    }

    bool is_of_key(const std::string &name) {
        std::vector<catalog::KeyColumn> key = catalog::find_primary_key(spi_, table_.relation);
        return std::any_of(key.begin(), key.end(),
                           [&](const catalog::KeyColumn &part) { return part.name == name; });
    }

    // Is it one by which rows of this table reference others, or others those of this one?
    bool is_of_link(const std::string &column) {
        return !spi_.query(
                        "SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid "
                        "= $1::pg_catalog.oid AND a.attname = $2::pg_catalog.name WHERE k.contype = 'f' AND "
                        "((k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)) OR (k.confrelid = "
                        "a.attrelid AND a.attnum = ANY (k.confkey))) LIMIT 1",
                        {table_.relation, column})
                    .empty();
    }

    void retype(const SourceColumn &column) {
        std::string name = pg::quote_identifier(column.name);
        pg::UserScope owner(table_.owner);
        spi_.execute(sqltext::format("ALTER TABLE %1% ALTER COLUMN %2% TYPE %3% USING CAST(%4% AS %5%)",
                                     history_.name, name, column.definition.substr(name.size() + 1), name,
                                     column.type));
    }

    // Rows are looked up, and erased with those that they reference, by what their keys are today: a column of a key gets its
    // type in the history as well. That of a foreign key does where all that the history has there can have it.
    bool retype_link(const SourceColumn &column) {
        try {
            pg::Subtransaction attempt;
            retype(column);
            attempt.commit();
            return true;
        } catch (pg::ServerError &error) {
            if (ERRCODE_TO_CATEGORY(error.sqlstate()) == ERRCODE_OPERATOR_INTERVENTION) {
                throw;
            }
        }
        return false;
    }

    bool retype_key(const SourceColumn &column) {
        if (!is_of_key(pg::quote_identifier(column.name))) {
            return is_of_link(column.name) && retype_link(column);
        }
        try {
            retype(column);
        } catch (pg::ServerError &error) { // as for a number that is out of range
            if (!error.has_hint()) {
                error.set_hint("The history has a row with this key. End the history with "
                               "softdelete.untrack_history() first.");
            }
            throw;
        }
        return true;
    }

    void retire(const std::string &column) {
        std::string former = choose_former_name(spi_, history_.relation, column);
        rename_column(column, former);
        pg::UserScope owner(pg::get_extension_owner());
        spi_.execute(
            "UPDATE softdelete_internal.history_column SET history_column = $3::pg_catalog.name, until = "
            "pg_catalog.clock_timestamp() WHERE relation = $1::pg_catalog.oid AND history_column = "
            "$2::pg_catalog.name",
            {table_.relation, column, former});
    }

    void add(const SourceColumn &column) {
        if (is_own_column(column.name)) {
            raise_own_name(table_, column.name);
        }
        make_room(column.name);
        {
            pg::UserScope owner(table_.owner);
            spi_.execute(sqltext::format("ALTER TABLE %1% ADD COLUMN %2%", history_.name, column.definition));
            if (column.is_external) {
                spi_.execute(make_storage_statement(history_.name, column));
            }
        }
        pg::UserScope owner(pg::get_extension_owner());
        spi_.execute(
            "INSERT INTO softdelete_internal.history_column (relation, history_column, column_name, since) "
            "VALUES ($1::pg_catalog.oid, $2::pg_catalog.name, $2::pg_catalog.name, "
            "pg_catalog.clock_timestamp())",
            {table_.relation, column.name});
    }

    // A former column may have got the name that a new one has.
    void make_room(const std::string &name) {
        bool is_taken =
            !spi_.query("SELECT FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND "
                        "attname = $2::pg_catalog.name AND NOT attisdropped",
                        {history_.relation, name})
                 .empty();
        if (is_taken) {
            std::string other = choose_former_name(spi_, history_.relation, name);
            rename_column(name, other);
            set_names(name, other, std::nullopt);
        }
    }

    void rename_column(const std::string &before, const std::string &now) {
        pg::UserScope owner(table_.owner);
        spi_.execute(sqltext::format("ALTER TABLE %1% RENAME COLUMN %2% TO %3%", history_.name,
                                     pg::quote_identifier(before), pg::quote_identifier(now)));
        rename_key_column(spi_, table_.relation, before, now);
    }

    // column_name: what the table's column is called; nothing for the name that it had.
    void set_names(const std::string &before, const std::string &history_column,
                   const std::optional<std::string> &column_name) {
        pg::UserScope owner(pg::get_extension_owner());
        spi_.execute("UPDATE softdelete_internal.history_column SET history_column = $3::pg_catalog.name, "
                     "column_name = "
                     "coalesce($4::pg_catalog.name, column_name) WHERE relation = $1::pg_catalog.oid AND "
                     "history_column = $2::pg_catalog.name",
                     {table_.relation, before, history_column, column_name});
    }

    void follow_key() {
        std::string columns = make_key_index_columns(spi_, table_.relation);
        if (columns.empty() || has_index(columns)) {
            return;
        }
        std::set<std::string> left_out = read_left_out(spi_, table_.relation);
        for (const catalog::KeyColumn &key : catalog::find_primary_key(spi_, table_.relation)) {
            for (const std::string &name : left_out) {
                if (pg::quote_identifier(name) == key.name) {
                    pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                               .message = sqltext::format("the primary key of table %1% cannot have column "
                                                          "%2%, which its history leaves out",
                                                          table_.title, key.name),
                               .hint = "End the history with softdelete.untrack_history() first.",
                               .relation = table_.relation});
                }
            }
        }
        pg::UserScope owner(table_.owner);
        spi_.execute(sqltext::format("CREATE INDEX ON %1% (%2%)", history_.name, columns));
    }

    bool has_index(const std::string &columns) {
        return !spi_.query(
                        "SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = $1::pg_catalog.oid AND "
                        "i.indpred IS "
                        "NULL AND $2 = (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' "
                        "ORDER "
                        "BY k.place) FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY k (number, place) JOIN "
                        "pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number)",
                        {history_.relation, columns})
                    .empty();
    }

    pg::Spi &spi_;
    const TableInfo &table_;
    TableInfo history_;
};

} // namespace

void follow_table(pg::Spi &spi, Oid relation) {
    Oid history = find_history(spi, relation);
    if (!OidIsValid(history)) {
        return;
    }
    session::OwnDdlScope own_ddl;
    TableInfo table = catalog::get_table(spi, relation);
    Follower(spi, table, history).run();
    pg::call([&] { announce_change(relation); });
}

void follow_rename(pg::Spi &spi, Oid relation, const std::string &before, const std::string &now) {
    Oid history = find_history(spi, relation);
    if (!OidIsValid(history)) {
        return;
    }
    session::OwnDdlScope own_ddl;
    TableInfo table = catalog::get_table(spi, relation);
    Follower(spi, table, history).rename(before, now);
    pg::call([&] { announce_change(relation); });
}

void release_member(Oid relation) {
    if (!OidIsValid(relation) || pg::call([&] { return find_tracked_table(relation) != nullptr; })) {
        return;
    }
    pg::Spi spi;
    session::OwnDdlScope own_ddl;
    TableInfo table = catalog::get_table(spi, relation);
    pg::UserScope owner(table.owner);
    drop_triggers(spi, table);
}

bool has_histories() {
    return registry::has_rows("tracked_table");
}

Oid find_history_of_member(Oid relation) {
    if (!OidIsValid(relation)) {
        return InvalidOid;
    }
    Oid top = registry::find_topmost(relation);
    return OidIsValid(registry::find_table_of_history(top)) ? top : InvalidOid;
}

Oid find_table_of_member(Oid relation) {
    Oid history = find_history_of_member(relation);
    return OidIsValid(history) ? registry::find_table_of_history(history) : InvalidOid;
}

} // namespace softdelete::history
