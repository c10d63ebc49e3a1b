// Looks for live rows below deleted parents where a foreign key is added and where a partition is attached, by one
// look-up of the referenced row for each live row, as a validation does it. Event triggers and ddl/take_on_member call
// it; rows that are written are checked by triggers/check_parent.
#include "ddl/check_new_links.hpp"
#include "sqltext/format.hpp"

#include "catalog/table_catalog.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/quote.hpp"
#include "pg/spi.hpp"
#include "rows/follow_links.hpp"
#include "rows/key_statement.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

namespace softdelete::ddl {

namespace {

using catalog::ForeignKey;

// What an ALTER TABLE does to the keys of its table, and to those that reference it.
struct NewKeys {
    // Keys that it adds or validates: by their names, or by their columns where the server chooses the name.
    std::set<std::string> names;
    std::set<std::string> columns; // as ForeignKey::child_columns
    std::set<std::string> added;   // columns, quoted: what the command has written there is new
    std::set<std::string> retyped; // columns, quoted: what is there may be something else now
    std::vector<Oid> partitions;

    bool is_empty() const {
        return names.empty() && columns.empty() && retyped.empty() && partitions.empty();
    }
};

void add_key(NewKeys *change, const char *name, const std::string &columns) {
    if (name != nullptr) {
        change->names.insert(name);
    } else {
        change->columns.insert(columns);
    }
}

void add_column(NewKeys *change, const ColumnDef *column) {
    std::string name = pg::quote_identifier(column->colname);
    change->added.insert(name);
    ListCell *cell;
    foreach (cell, column->constraints) {
        const Constraint *constraint = lfirst_node(Constraint, cell);
        if (constraint->contype == CONSTR_FOREIGN) {
            add_key(change, constraint->conname, name);
        }
    }
}

void add_command(NewKeys *change, const AlterTableCmd *command) {
    const Constraint *key = get_added_key(command);
    if (key != nullptr && !key->skip_validation) {
        add_key(change, key->conname, join_columns(key->fk_attrs));
    } else if (command->subtype == AT_ValidateConstraint) {
        change->names.insert(command->name);
    } else if (command->subtype == AT_AddColumn) {
        add_column(change, castNode(ColumnDef, command->def));
    } else if (command->subtype == AT_AlterColumnType) {
        change->retyped.insert(pg::quote_identifier(command->name));
    } else if (command->subtype == AT_AttachPartition) {
        const RangeVar *partition = castNode(PartitionCmd, command->def)->name;
        change->partitions.push_back(pg::call([&] { return find_relation(partition); }));
    }
}

NewKeys get_new_keys(const AlterTableStmt *alter) {
    NewKeys change;
    ListCell *cell;
    foreach (cell, alter->cmds) {
        add_command(&change, lfirst_node(AlterTableCmd, cell));
    }
    return change;
}

bool has_one_of(const catalog::LinkColumns &side, const std::set<std::string> &columns) {
    return std::any_of(side.names.begin(), side.names.end(),
                       [&](const std::string &name) { return columns.contains(name); });
}

bool is_new(const NewKeys &change, const ForeignKey &key) {
    return change.names.contains(key.name) || change.columns.contains(key.child_columns);
}

// From the deleted rows to a live one below them, one table at a time.
std::optional<std::string> find_others_link(pg::Spi &spi, const ForeignKey &key, Oid partition) {
    rows::RowSet deleted;
    {
        std::string query = sqltext::format("/* softdelete */ SELECT p.tableoid, p.ctid FROM %1% AS p WHERE "
                                            "p.%2% IS NOT NULL",
                                            key.parent.key_rows(), key.parent.deleted_at);
        pg::OwnerScope owner(key.parent.owner);
        for (const pg::Row &row : spi.query(query)) {
            deleted.add(rows::read_row_id(row));
        }
    }
    std::string further =
        key.child.is_registered ? sqltext::format(" AND c.%1% IS NULL", key.child.deleted_at) : "";
    if (OidIsValid(partition)) {
        further += sqltext::format(
            " AND c.tableoid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(%1%) AS t)", partition);
    }
    rows::RowSet found = rows::find_children(spi, key, deleted, further + " LIMIT 1");
    return found.empty() ? std::nullopt : std::optional(rows::read_link(spi, key, *found.ids().begin()));
}

// The key values of a live row that references a deleted one, in the table or in that partition of it; nothing where there
// is none.
std::optional<std::string> find_live_link(pg::Spi &spi, const ForeignKey &key, Oid partition = InvalidOid) {
    if (!key.parent.is_registered) {
        return std::nullopt;
    }
    if (!catalog::has_one_owner(key)) {
        return find_others_link(spi, key, partition);
    }
    std::string live = key.child.is_registered ? "c." + key.child.deleted_at + " IS NULL AND " : "";
    std::string relation =
        OidIsValid(partition) ? catalog::get_qualified_name(spi, partition).text() : key.child.key_rows();
    std::string query = sqltext::format(
        "/* softdelete */ SELECT pg_catalog.concat_ws(', ', %1%) FROM %2% AS c %3% WHERE %4%p.%5% IS "
        "NOT NULL LIMIT 1",
        key.child_values, relation, catalog::join_parent(key), live, key.parent.deleted_at);
    std::vector<pg::Row> rows = rows::read_key(spi, key, query, {});
    return rows.empty() ? std::nullopt : rows.front().value(0);
}

// The command sees all rows, and has taken them as they are.
void warn_of_live_links(pg::Spi &spi, const ForeignKey &key, Oid partition = InvalidOid) {
    if (catalog::binds(key.on_delete) && find_live_link(spi, key, partition)) {
        pg::warn(
            sqltext::format("live rows of table %1% reference deleted rows of table %2%", key.child.title,
                            key.parent.title),
            sqltext::format("Foreign key \"%1%\" takes them as they are. Delete them, or restore the others.",
                            key.name));
    }
}

[[noreturn]] void raise_live_link(const ForeignKey &key, const std::string &values) {
    pg::raise(
        {.sqlstate = ERRCODE_FOREIGN_KEY_VIOLATION,
         .message = sqltext::format("insert or update on table %1% violates foreign key constraint \"%2%\"",
                                    key.child.title, key.name),
         .detail = sqltext::format("Key (%1%)=(%2%) is not present in table %3%.", key.child_columns, values,
                                   key.parent.title),
         .hint = "A live row references a deleted one. Delete it, or restore the other.",
         .relation = key.child.relation});
}

// A partition that comes to a table which is not registered brings rows with it. To a registered one it comes by
// take_on_member().
void warn_of_partition(pg::Spi &spi, const ForeignKey &key, Oid partition) {
    if (OidIsValid(partition) && !key.child.is_registered) {
        warn_of_live_links(spi, key, partition);
    }
}

void check_own_key(pg::Spi &spi, const NewKeys &change, const ForeignKey &key) {
    if (has_one_of(key.child_link, change.added)) {
        if (std::optional<std::string> values = find_live_link(spi, key)) {
            raise_live_link(key, *values);
        }
    } else if (is_new(change, key) || has_one_of(key.child_link, change.retyped)) {
        warn_of_live_links(spi, key);
    }
    for (Oid partition : change.partitions) {
        warn_of_partition(spi, key, partition);
    }
}

} // namespace

void check_links(pg::Spi &spi, const ForeignKey &key, Oid partition) {
    if (!catalog::binds(key.on_delete)) {
        return;
    }
    if (std::optional<std::string> values = find_live_link(spi, key, partition)) {
        raise_live_link(key, *values);
    }
}

void check_new_links(const DdlCommand &command) {
    const Node *statement = command.node;
    const AlterTableStmt *alter =
        IsA(statement, AlterTableStmt) ? castNode(AlterTableStmt, const_cast<Node *>(statement)) : nullptr;
    if (alter == nullptr || alter->objtype != OBJECT_TABLE) {
        return;
    }
    NewKeys change = get_new_keys(alter);
    Oid table = command.relation;
    if (change.is_empty() || !OidIsValid(table)) {
        return;
    }
    pg::Spi spi;
    for (const ForeignKey &key : catalog::find_own_keys(spi, table)) {
        check_own_key(spi, change, key);
    }
    if (!change.retyped.empty()) {
        for (const ForeignKey &key : catalog::find_referencing_keys(spi, table)) {
            if (has_one_of(key.parent_link, change.retyped)) {
                warn_of_live_links(spi, key);
            }
        }
    }
}

} // namespace softdelete::ddl
