// Looks for live rows below deleted parents where a foreign key is added and where a partition is attached, by one
// look-up of the referenced row for each live row, as a validation does it. Event triggers and ddl/take_on_member call
// it; rows that are written are checked by triggers/check_parent.
#include "ddl/check_new_links.hpp"
#include "sqltext/format.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/spi.hpp"
#include "rows/key_statement.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

#include <optional>
#include <vector>

namespace softdelete::ddl {

namespace {

using catalog::ForeignKey;

// A key that a command adds or validates: by its name, or by its columns where the server chooses the name.
struct NewKey {
    std::string name;
    std::string columns; // as ForeignKey::child_columns
};

std::vector<NewKey> get_new_keys(const AlterTableStmt *alter) {
    std::vector<NewKey> keys;
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype == AT_ValidateConstraint) {
            keys.push_back({command->name, ""});
        }
        const Constraint *added = get_added_key(command);
        if (added != nullptr && !added->skip_validation) {
            keys.push_back({added->conname == nullptr ? "" : added->conname, join_columns(added->fk_attrs)});
        }
    }
    return keys;
}

bool is_meant(const NewKey &wanted, const ForeignKey &key) {
    return wanted.name.empty() ? wanted.columns == key.child_columns : wanted.name == key.name;
}

// The key values of a live row that references a deleted one; nothing where there is none.
std::optional<std::string> find_live_link(pg::Spi &spi, const ForeignKey &key, const std::string &relation) {
    if (!key.parent.is_registered || !catalog::binds(key.on_delete)) {
        return std::nullopt;
    }
    std::string live = key.child.is_registered ? "c." + key.child.deleted_at + " IS NULL AND " : "";
    std::string query = sqltext::format(
        "/* softdelete */ SELECT pg_catalog.concat_ws(', ', %1%) FROM %2% AS c %3% WHERE %4%p.%5% IS "
        "NOT NULL LIMIT 1",
        key.child_values, relation, catalog::join_parent(key), live, key.parent.deleted_at);
    std::vector<pg::Row> rows = rows::read_key(spi, key, query, {});
    return rows.empty() ? std::nullopt : rows.front().value(0);
}

// Validation sees all rows, so that the command runs; what it found is said.
void warn_of_live_links(pg::Spi &spi, const ForeignKey &key) {
    if (find_live_link(spi, key, key.child.key_rows())) {
        pg::warn(
            sqltext::format("live rows of table %1% reference deleted rows of table %2%", key.child.title,
                            key.parent.title),
            sqltext::format("Foreign key \"%1%\" takes them as they are. Delete them, or restore the others.",
                            key.name));
    }
}

} // namespace

void check_links(pg::Spi &spi, const ForeignKey &key, const std::string &relation) {
    if (std::optional<std::string> values = find_live_link(spi, key, relation)) {
        pg::raise({.sqlstate = ERRCODE_FOREIGN_KEY_VIOLATION,
                   .message = sqltext::format(
                       "insert or update on table %1% violates foreign key constraint \"%2%\"",
                       key.child.title, key.name),
                   .detail = sqltext::format("Key (%1%)=(%2%) is not present in table %3%.",
                                             key.child_columns, *values, key.parent.title),
                   .hint = "A live row references a deleted one. Delete it, or restore the other.",
                   .relation = key.child.relation});
    }
}

void warn_of_new_links(const Node *statement) {
    const AlterTableStmt *alter =
        IsA(statement, AlterTableStmt) ? castNode(AlterTableStmt, const_cast<Node *>(statement)) : nullptr;
    if (alter == nullptr || alter->objtype != OBJECT_TABLE) {
        return;
    }
    std::vector<NewKey> wanted = get_new_keys(alter);
    Oid table = wanted.empty() ? InvalidOid : pg::call([&] { return find_relation(alter->relation); });
    if (!OidIsValid(table)) {
        return;
    }
    pg::Spi spi;
    for (const ForeignKey &key : catalog::find_own_keys(spi, table)) {
        for (const NewKey &one : wanted) {
            if (is_meant(one, key)) {
                warn_of_live_links(spi, key);
            }
        }
    }
}

} // namespace softdelete::ddl
