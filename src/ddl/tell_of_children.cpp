// Says what a new ON DELETE CASCADE key from an unregistered table to a registered one means. Event triggers call this when
// the key has its triggers; register() warns of such tables that are there before (registration/plan_warnings).
#include "ddl/tell_of_children.hpp"

#include "catalog/foreign_keys.hpp"
#include "pg/created_objects.hpp"
#include "pg/quote.hpp"
#include "registration/table_work.hpp"
#include "registry/registered_names.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

#include <algorithm>
#include <string>
#include <vector>

namespace softdelete::ddl {

namespace {

using catalog::ForeignKey;

// A key that the command adds: by its name, or by its columns where the server chooses the name.
struct WrittenKey {
    std::string name;
    std::string columns; // as ForeignKey::child_columns
};

bool adds(const std::vector<WrittenKey> &added, const ForeignKey &key) {
    return std::any_of(added.begin(), added.end(), [&](const WrittenKey &each) {
        return each.name.empty() ? each.columns == key.child_columns : each.name == key.name;
    });
}

WrittenKey read_key(const Constraint *constraint, const std::string &columns) {
    return {constraint->conname == nullptr ? "" : constraint->conname, columns};
}

std::vector<WrittenKey> read_keys(const AlterTableStmt *alter) {
    std::vector<WrittenKey> keys;
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const auto *command = lfirst_node(AlterTableCmd, cell);
        if (const Constraint *key = get_added_key(command)) {
            keys.push_back(read_key(key, join_columns(key->fk_attrs)));
        } else if (command->subtype == AT_AddColumn) {
            const auto *column = castNode(ColumnDef, command->def);
            ListCell *inner;
            foreach (inner, column->constraints) {
                const auto *constraint = lfirst_node(Constraint, inner);
                if (constraint->contype == CONSTR_FOREIGN) {
                    keys.push_back(read_key(constraint, pg::quote_identifier(column->colname)));
                }
            }
        }
    }
    return keys;
}

// Those of the table's keys that the command has added; nothing where it adds none.
std::vector<ForeignKey> find_added_keys(pg::Spi &spi, const DdlCommand &command) {
    std::vector<ForeignKey> keys;
    if (IsA(command.node, AlterTableStmt)) {
        std::vector<WrittenKey> added = read_keys(castNode(AlterTableStmt, command.node));
        if (!added.empty()) {
            keys = catalog::find_own_keys(spi, command.relation);
            std::erase_if(keys, [&](const ForeignKey &key) { return !adds(added, key); });
        }
    } else if (get_create(command.node) != nullptr
               && pg::call([&] { return pg::is_created_by_command(command.relation); })) {
        keys = catalog::find_own_keys(spi, command.relation);
    }
    std::erase_if(keys, [](const ForeignKey &key) {
        return key.on_delete != catalog::OnDelete::cascade || !key.parent.is_registered
               || key.child.is_registered;
    });
    return keys;
}

sqltext::Statement make_call(pg::Spi &spi, const ForeignKey &key) {
    Oid root = registry::find_registered_root(spi, key.parent.relation).value();
    registry::Registration parent = registry::find_registration(spi, root).value();
    return registration::make_registration_of(spi, parent.settings, key.child.relation);
}

} // namespace

void tell_of_children(const DdlCommand &command) {
    pg::Spi spi;
    std::vector<ForeignKey> keys = find_added_keys(spi, command);
    if (keys.empty()) {
        return;
    }
    std::vector<std::string> parents;
    for (const ForeignKey &key : keys) {
        if (std::find(parents.begin(), parents.end(), key.parent.title) == parents.end()) {
            parents.push_back(key.parent.title);
        }
    }
    pg::notice(
        sqltext::format("rows of table %1% that reference a deleted row of %2% by ON DELETE CASCADE stay "
                        "until the purge, which takes them for good",
                        keys.front().child.title, sqltext::join(parents, " or ")),
        "To have them deleted and restored together: " + make_call(spi, keys.front()).text());
}

} // namespace softdelete::ddl
