// Sees which table a command attaches, detaches or makes a child, before and after it runs. Event triggers call it;
// ddl/take_on_member does what follows. For tables without the marker nothing is looked up.
#include "ddl/follow_inheritance.hpp"

#include "catalog/table_catalog.hpp"
#include "ddl/command_table.hpp"
#include "ddl/parse_tree.hpp"
#include "ddl/take_on_member.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/bring_in_step.hpp"
#include "registry/registered_names.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
}

#include <vector>

namespace softdelete::ddl {

namespace {

// A table that comes to another, or leaves it.
struct Move {
    Oid member;
    Oid table;
    bool comes;
    bool is_partition;
};

const RangeVar *get_partition(const AlterTableCmd *command) {
    return castNode(PartitionCmd, command->def)->name;
}

Move read_move(const AlterTableCmd *command, Oid named) {
    switch (command->subtype) {
    case AT_AttachPartition:
        return {find_relation(get_partition(command)), named, true, true};
    case AT_DetachPartition:
    case AT_DetachPartitionFinalize:
        return {find_relation(get_partition(command)), named, false, true};
    case AT_AddInherit:
        return {named, find_relation(castNode(RangeVar, command->def)), true, false};
    case AT_DropInherit:
        return {named, find_relation(castNode(RangeVar, command->def)), false, false};
    default:
        return {InvalidOid, InvalidOid, false, false};
    }
}

// Fills in a move that the statement makes and returns true. The position is that of the command, or of the parent.
bool read_move(const DdlCommand &command, int position, Move *move) {
    const Node *statement = command.node;
    if (IsA(statement, AlterTableStmt)) {
        const AlterTableStmt *alter = castNode(AlterTableStmt, const_cast<Node *>(statement));
        const auto *part = list_nth_node(AlterTableCmd, alter->cmds, position);
        if ((alter->objtype != OBJECT_TABLE && alter->objtype != OBJECT_FOREIGN_TABLE) || !is_move(part)) {
            return false;
        }
        *move = read_move(part, command.relation);
    } else {
        const CreateStmt *create = get_create(statement);
        *move = {command.relation, find_relation(list_nth_node(RangeVar, create->inhRelations, position)),
                 true, create->partbound != nullptr};
    }
    return OidIsValid(move->member) && OidIsValid(move->table);
}

int count_moves(const Node *statement) {
    if (IsA(statement, AlterTableStmt)) {
        return list_length(castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds);
    }
    const CreateStmt *create = get_create(statement);
    return create == nullptr ? 0 : list_length(create->inhRelations);
}

std::vector<Move> get_moves(const DdlCommand &command) {
    std::vector<Move> moves;
    int count = count_moves(command.node);
    for (int i = 0; i < count; i++) {
        Move move = {};
        if (pg::call([&] { return read_move(command, i, &move); })) {
            moves.push_back(move);
        }
    }
    return moves;
}

std::string quoted_name_of(Oid relation) {
    return "\"" + std::string(pg::call([&] { return get_rel_name(relation); })) + "\"";
}

[[noreturn]] void refuse(Oid member, Oid parent) {
    pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               "cannot put registered table " + quoted_name_of(member) + " under unregistered table "
                   + quoted_name_of(parent),
               "Rows are deleted through the parent as well.",
               "Unregister " + quoted_name_of(member) + " with deleted_rows => 'keep', or register "
                   + quoted_name_of(parent) + " first.",
               member});
}

// All parents of a registered table are registered, and with the same table: another one has columns and a retention of its own.
void check_parents(pg::Spi &spi, Oid member) {
    std::optional<Oid> first;
    for (Oid parent : catalog::find_parents(spi, member)) {
        const std::optional<Oid> root = registry::find_registered_root(spi, parent);
        if (!root) {
            refuse(member, parent);
        }
        if (first && *first != *root) {
            pg::raise({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                       "cannot let table " + quoted_name_of(member) + " inherit from registered tables "
                           + quoted_name_of(*first) + " and " + quoted_name_of(*root),
                       "Rows are deleted through each parent.",
                       "Let the table inherit from one of them only.", member});
        }
        first = root;
    }
}

// An inheritance child gets every trigger of its own, a partition clones of most.
void take_on(pg::Spi &spi, const Move &move, bool is_new) {
    check_kind_of_member(spi, move.member);
    if (!move.is_partition) {
        if (auto root = registry::find_registered_root(spi, move.table)) {
            registration::repair_table(*root, registration::Views::own);
        }
        check_parents(spi, move.member);
    }
    take_on_member(move.member, !is_new);
}

// A child may have another registered parent left.
void let_go(pg::Spi &spi, const Move &move) {
    if (!registry::find_registered_root(spi, move.member)) {
        register_alone(move.member, move.table);
    }
}

bool changes_owner(const Node *statement) {
    if (!IsA(statement, AlterTableStmt)) {
        return false;
    }
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        if (lfirst_node(AlterTableCmd, cell)->subtype == AT_ChangeOwner) {
            return true;
        }
    }
    return false;
}

// The server gives each table to its new owner alone: the command may be one of several that change a table with its members.
void warn_of_owners(const DdlCommand &command) {
    if (!changes_owner(command.node) || !is_registered(command.relation)) {
        return;
    }
    pg::Spi spi;
    std::optional<Oid> root = registry::find_registered_root(spi, command.relation);
    Oid member = root ? pg::call([&] { return pg::find_others_member(*root); }) : InvalidOid;
    if (OidIsValid(member)) {
        pg::warn("table " + quoted_name_of(member) + " does not belong to the owner of registered table "
                     + quoted_name_of(*root),
                 "softdelete's functions refuse " + quoted_name_of(*root)
                     + " as long as that is so. Run ALTER "
                     + "TABLE ... OWNER TO for the table, its partitions and its children.");
    }
}

} // namespace

void prepare_members(const DdlCommand &command) {
    const Node *statement = command.node;
    for (const Move &move : get_moves(command)) {
        if (!move.comes || !IsA(statement, AlterTableStmt)) {
            continue;
        }
        if (is_registered(move.table)) {
            prepare_member(move.member, move.table, move.is_partition);
        } else if (is_registered(move.member)) {
            refuse(move.member, move.table);
        } else if (move.is_partition && pg::call([&] { return session::has_own_trigger(move.member); })) {
            drop_parent_checks(move.member);
        }
    }
}

void finish_members(const DdlCommand &command) {
    warn_of_owners(command);
    const Node *statement = command.node;
    for (const Move &move : get_moves(command)) {
        if (!is_registered(move.table)) {
            continue;
        }
        pg::Spi spi;
        if (move.comes) {
            take_on(spi, move, get_create(statement) != nullptr);
        } else {
            let_go(spi, move);
        }
    }
}

} // namespace softdelete::ddl
