// Puts the triggers of a foreign key on both tables after a command has added the key, and tells what the key means where its
// table is not registered. Event triggers call it; which triggers those are is decided in
// registration/plan_foreign_key_triggers. register() warns of tables that are there before (registration/plan_warnings).
#include "ddl/follow_foreign_keys.hpp"
#include "catalog/referencing_tables.hpp"
#include "model/trigger_names.hpp"

#include "catalog/foreign_keys.hpp"
#include "catalog/link_names.hpp"
#include "catalog/quoting.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/created_objects.hpp"
#include "pg/quote.hpp"
#include "pg/relation_cache.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/plan_foreign_key_triggers.hpp"
#include "registration/run_steps.hpp"
#include "registration/table_work.hpp"
#include "registry/registered_names.hpp"
#include "session/registered_table.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/table.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace softdelete::ddl {

namespace {

bool may_change_keys(Node *node) {
    return IsA(node, CreateStmt)
           || (IsA(node, AlterTableStmt) && castNode(AlterTableStmt, node)->objtype == OBJECT_TABLE)
           || (IsA(node, RenameStmt) && castNode(RenameStmt, node)->renameType == OBJECT_TABCONSTRAINT);
}

// A trigger of ours that stands for a foreign key which may be gone or renamed.
bool has_link_trigger(Relation relation) {
    const TriggerDesc *triggers = relation->trigdesc; // nothing is looked up
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        if (strncmp(triggers->triggers[i].tgname, model::parent_check_prefix,
                    strlen(model::parent_check_prefix))
            == 0) {
            return true;
        }
    }
    return false;
}

bool has_registered_parent(Relation relation) {
    ListCell *cell;
    foreach (cell, pg::copy_foreign_keys(relation)) {
        const auto *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        if (session::is_registered_table(key->confrelid)) {
            return true;
        }
    }
    return false;
}

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
        return key.on_delete != catalog::OnDelete::cascade
               || (!key.parent.is_registered && !key.parent.is_archived()) || key.child.is_registered
               || key.child.is_archived();
    });
    return keys;
}

// Nothing where the child cannot be registered.
std::optional<sqltext::Statement> make_call(pg::Spi &spi, const ForeignKey &key) {
    const std::vector<Oid> roots = catalog::find_roots(spi, key.child.relation);
    if (catalog::shares_inheritance(spi, roots.front())) {
        return std::nullopt;
    }
    if (!key.parent.is_registered) {
        return sqltext::statement("SELECT * FROM softdelete.register(%1%, strategy => 'archive')",
                                  catalog::literal(key.child.name));
    }
    Oid root = registry::find_registered_root(spi, key.parent.relation).value();
    registry::Registration parent = registry::find_registration(spi, root).value();
    return registration::make_registration_of(spi, parent.settings, roots.front());
}

// Which rows go another way than those of the tables that they reference: a line for all keys of a kind.
void tell(pg::Spi &spi, const std::vector<ForeignKey> &keys, const char *fate, const char *advice) {
    if (keys.empty()) {
        return;
    }
    std::vector<std::string> parents;
    for (const ForeignKey &key : keys) {
        if (std::find(parents.begin(), parents.end(), key.parent.title) == parents.end()) {
            parents.push_back(key.parent.title);
        }
    }
    const auto call = make_call(spi, keys.front());
    pg::notice(
        sqltext::format("rows of table %1% that reference a deleted row of %2% by ON DELETE CASCADE %3%",
                        keys.front().child.title, sqltext::join(parents, " or "), fate),
        call ? advice + call->text()
             : "It cannot be registered, as it, or a child of it, inherits from another table as well.");
}

} // namespace

Oid find_table_to_link(const DdlCommand &command) {
    if (!may_change_keys(command.node)) {
        return InvalidOid;
    }
    // Still locked by the command itself. Gone if the command was ALTER TABLE IF EXISTS.
    Oid relation_id = command.relation;
    Relation relation = OidIsValid(relation_id) ? RelationIdGetRelation(relation_id) : nullptr;
    if (relation == nullptr) {
        return InvalidOid;
    }
    bool is_concerned = session::is_registered_table(relation_id) || has_link_trigger(relation)
                        || has_registered_parent(relation);
    RelationClose(relation);
    return is_concerned ? relation_id : InvalidOid;
}

void link_table(Oid relation) {
    pg::Spi spi;
    catalog::TableInfo table = catalog::get_table(spi, relation);
    registration::run_steps(spi, registration::plan_own_links(spi, table.relation));
    registration::RegisteredTables tables;
    for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, table.relation)) {
        if (key.parent.is_registered) {
            tables[key.parent.relation] = key.parent.deleted_at;
        }
    }
    registration::run_steps(spi, registration::plan_links(spi, tables));
}

void tell_of_children(const DdlCommand &command) {
    pg::Spi spi;
    std::vector<ForeignKey> keys = find_added_keys(spi, command);
    std::erase_if(keys, [](const ForeignKey &key) { return !key.parent.is_registered; });
    tell(spi, keys, "stay until the purge, which takes them for good",
         "To have them deleted and restored together: ");
}

void tell_of_archives_children(const DdlCommand &command) {
    pg::Spi spi;
    std::vector<ForeignKey> keys = find_added_keys(spi, command);
    std::erase_if(keys, [](const ForeignKey &key) { return key.parent.is_registered; });
    tell(spi, keys, "are removed for good", "To have them archived as well: ");
}

} // namespace softdelete::ddl
