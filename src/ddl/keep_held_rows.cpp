// Asks holds/ about the tables and columns that a raw statement names. The event trigger on ddl_command_start calls it
// where anybody has ever made a hold.
#include "ddl/keep_held_rows.hpp"

#include "catalog/dependent_tables.hpp"
#include "catalog/foreign_keys.hpp"
#include "catalog/referencing_tables.hpp"
#include "catalog/table_catalog.hpp"
#include "ddl/column_values.hpp"
#include "ddl/command_table.hpp"
#include "ddl/keep_held_keys.hpp"
#include "history/follow_table.hpp"
#include "history/tracked_table.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_check.hpp"
#include "holds/hold_errors.hpp"
#include "holds/hold_tables.hpp"
#include "pg/compat.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registry/archive_scan.hpp"
#include "registry/hold_log.hpp"
#include "registry/registry_scan.hpp"
#include "session/registered_table.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include <algorithm>
#include <string>

namespace softdelete::ddl {

namespace {

// What the command reaches from the table that it names: the tables that inherit from it, and those made of it, where it is
// a type. Keys of a partitioned table stand for those of its partitions.
constexpr const char *reached_query = R"(
    WITH RECURSIVE reached (relation) AS (
        SELECT $1::pg_catalog.oid
        UNION
        SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_type t ON t.oid = c.reloftype
        WHERE t.typrelid = $1::pg_catalog.oid
        UNION
        SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN reached r ON h.inhparent = r.relation)
    SELECT r.relation, NOT c.relispartition OR r.relation = $1::pg_catalog.oid AS has_own_keys
    FROM reached r JOIN pg_catalog.pg_class c ON c.oid = r.relation
    ORDER BY r.relation <> $1::pg_catalog.oid, r.relation)";

// Holds on these tables whose key has a column of that name.
constexpr const char *key_query = R"(
    SELECT h.id, c.relname
    FROM softdelete_internal.hold h
    JOIN pg_catalog.pg_class c ON c.oid = h.relation
    JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) AND a.attname = $2
    WHERE h.released_at IS NULL AND h.relation = ANY ($1::pg_catalog.oid[])
    ORDER BY h.id LIMIT 1)";

bool is_table(Oid relation) {
    char kind = OidIsValid(relation) ? get_rel_relkind(relation) : '\0';
    return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE;
}

// May rows of the table keep others on hold, though nobody registered it?
bool leads_further(Oid relation) {
    return session::has_triggers(relation) && pg::entry([&] {
               pg::Spi spi;
               return !catalog::find_cascade_children(spi, relation).empty();
           });
}

// The history has entries of all rows on hold: it goes as a whole or not at all. relation: it, or a partition of it.
void check_history(Oid relation, const char *action, const char *outcome = "") {
    Oid tracked = history::find_table_of_member(relation);
    if (OidIsValid(tracked)) {
        holds::check_no_holds(tracked, psprintf("%s the history of", action), false, outcome);
    }
}

void check_table(Oid relation, const char *action) {
    session::RegisteredTable table;
    if (!is_table(relation)) {
        return;
    }
    check_history(relation, action);
    if (session::find_damaged_table(relation, &table) || leads_further(relation)
        || registry::concerns_archive(relation) || history::is_tracked(relation)) {
        holds::check_no_holds(relation, action);
    }
}

// To others the command itself says that they may not.
void check_own_table(Oid relation, const char *action) {
    if (is_table(relation) && pg::compat::owns_relation(relation, GetUserId())) {
        check_table(relation, action);
    }
}

// Any table that references another may have rows that are on hold by what they reference.
void check_loss(Oid relation, const char *action, const char *outcome = "") {
    if (is_table(relation) && session::has_triggers(relation)) {
        check_history(relation, action, outcome);
        holds::check_no_holds(relation, action, false, outcome);
    }
}

void check_own_loss(Oid relation, const char *action, const char *outcome = "") {
    if (is_table(relation) && pg::compat::owns_relation(relation, GetUserId())) {
        check_loss(relation, action, outcome);
    }
}

void check_drop_of(const std::vector<Oid> &tables) {
    for (Oid table : tables) {
        pg::call([&] { check_loss(table, "drop"); });
    }
}

// The object that DROP names, as RemoveObjects() and RemoveRelations() in src/backend/commands look for it next: they lock a
// table, other objects are locked here. Without one where there is none, or where the role may not drop it, which the server
// says.
ObjectAddress find_dropped(const DropStmt *drop, Node *object) {
    bool is_table = drop->removeType == OBJECT_TABLE || drop->removeType == OBJECT_FOREIGN_TABLE;
    Relation relation = nullptr;
    ObjectAddress address =
        is_table ? ObjectAddress{RelationRelationId,
                                 find_relation(makeRangeVarFromNameList(castNode(List, object))), 0}
                 : get_object_address(drop->removeType, object, &relation, AccessExclusiveLock, true);
    Oid schema = OidIsValid(address.objectId) ? get_object_namespace(&address) : InvalidOid;
    if (OidIsValid(address.objectId) && (!OidIsValid(schema) || !owns_schema(schema))) {
        if (!is_table) {
            check_object_ownership(GetUserId(), drop->removeType, address, object, relation);
        } else if (!pg::compat::owns_relation(address.objectId, GetUserId())) {
            address.objectId = InvalidOid;
        }
    }
    if (relation != nullptr) {
        RelationClose(relation);
    }
    return address;
}

// Tables may go along with what they need: a schema, a type that they are made of, an extension that has them.
bool may_take_tables(ObjectType type) {
    switch (type) {
    case OBJECT_INDEX: // has its table instead
    case OBJECT_TRIGGER:
    case OBJECT_POLICY:
    case OBJECT_RULE:
    case OBJECT_VIEW: // a relation, but no type that a table is made of
    case OBJECT_MATVIEW:
    case OBJECT_SEQUENCE:
        return false;
    default:
        return true;
    }
}

void check_drop(const DropStmt *drop) {
    ListCell *cell;
    foreach (cell, may_take_tables(drop->removeType) ? drop->objects : NIL) {
        ObjectAddress address = find_dropped(drop, static_cast<Node *>(lfirst(cell)));
        if (drop->removeType == OBJECT_TABLE) {
            check_loss(address.objectId, "drop");
        }
        if (OidIsValid(address.objectId)) {
            pg::entry([&] {
                pg::Spi spi;
                check_drop_of(catalog::find_dependent_tables(spi, {address.classId, address.objectId},
                                                             drop->behavior == DROP_CASCADE));
            });
        }
    }
}

void check_drop_owned(const DropOwnedStmt *drop) {
    ListCell *cell;
    foreach (cell, drop->roles) {
        Oid role = get_rolespec_oid(lfirst_node(RoleSpec, cell), true);
        if (OidIsValid(role) && has_privs_of_role(GetUserId(), role)) {
            pg::entry([&] {
                pg::Spi spi;
                check_drop_of(catalog::find_owned_tables(spi, role, drop->behavior == DROP_CASCADE));
            });
        }
    }
}

void check_attached(Oid relation) {
    if (is_table(relation) && registry::has_hold(relation)
        && pg::compat::owns_relation(relation, GetUserId())) {
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot attach table \"%s\" because rows of it are on hold", get_rel_name(relation)),
                 errdetail("A hold names a row by the table that it was in when the hold was made."),
                 errhint("Release the holds, attach the table, and hold the rows anew.")));
    }
}

[[noreturn]] void raise_key_change(const std::string &column, const pg::Row &hold) {
    pg::raise(
        {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
         .message =
             sqltext::format("cannot change key column \"%1%\" of table \"%2%\" because rows of it are "
                             "on hold",
                             column, hold.text(1)),
         .detail = sqltext::format("Hold %1% names its row by the values of the primary key.", hold.text(0)),
         .hint = "Release the hold by softdelete.release(), and hold the row anew afterwards."});
}

// A key that leads down from held rows must not lead elsewhere. side: the one whose column changes, which is quoted.
void check_link(pg::Spi &spi, const catalog::ForeignKey &key, const catalog::LinkColumns &side,
                const std::string &column) {
    if (key.on_delete == catalog::OnDelete::cascade
        && std::find(side.names.begin(), side.names.end(), column) != side.names.end()) {
        pg::call([&] { holds::lock_holds_of(key.parent.relation); });
        if (auto hold = holds::find_hold_through(spi, key, false)) {
            holds::raise_lost_link(key, *hold, "change");
        }
    }
}

void check_links(pg::Spi &spi, Oid relation, const std::string &column) {
    for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, relation)) {
        check_link(spi, key, key.child_link, column);
    }
    for (const catalog::ForeignKey &key : catalog::find_referencing_keys(spi, relation)) {
        check_link(spi, key, key.parent_link, column);
    }
}

void check_values(const AlterTableCmd *command, Oid relation) {
    if (!changes_values(command, relation, Using::changes)) {
        return;
    }
    holds::lock_holds_of(relation);
    pg::entry([&] {
        pg::Spi spi;
        std::string column = command->name;
        std::vector<std::string> reached = {};
        std::vector<Oid> with_keys = {};
        {
            pg::UserScope owner(pg::get_extension_owner());
            for (const pg::Row &row : spi.query(reached_query, {relation})) {
                reached.push_back(row.text(0));
                pg::call([relation = row.oid(0)] { holds::lock_holds_of(relation); });
                if (row.boolean(1)) {
                    with_keys.push_back(row.oid(0));
                }
            }
            for (const pg::Row &hold : spi.query(key_query, {pg::make_array(reached), column})) {
                raise_key_change(column, hold);
            }
        }
        for (Oid table : with_keys) {
            check_links(spi, table, pg::quote_identifier(column));
        }
    });
}

void check_enforcement(const AlterTableCmd *command, Oid relation) {
    const char *name = pg::compat::unenforced_key(command);
    if (name == nullptr) {
        return;
    }
    pg::entry([&] {
        pg::Spi spi;
        for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, relation)) {
            if (key.name == name && key.on_delete == catalog::OnDelete::cascade) {
                pg::call([&] { holds::lock_holds_of(key.parent.relation); });
                if (auto hold = holds::find_hold_through(spi, key, false)) {
                    holds::raise_lost_link(key, *hold, "stop enforcing");
                }
            }
        }
    });
}

void check_part(const AlterTableCmd *part, Oid relation) {
    switch (part->subtype) {
    case AT_DetachPartition:
        check_own_table(find_relation(castNode(PartitionCmd, part->def)->name), "detach");
        break;
    case AT_DropInherit:
        check_own_table(relation, "detach");
        break;
    case AT_DisableTrigAll:
        check_own_table(relation, "disable the triggers of");
        break;
    case AT_SetUnLogged:
        check_own_loss(relation, "make", " unlogged");
        break;
    case AT_AttachPartition:
        check_attached(find_relation(castNode(PartitionCmd, part->def)->name));
        break;
    default:
        if (pg::compat::owns_relation(relation, GetUserId())) {
            if (part->subtype == AT_DropColumn || part->subtype == AT_AlterColumnType) {
                check_history(relation, "take values out of");
            }
            check_values(part, relation);
            check_enforcement(part, relation);
        }
    }
}

} // namespace

void keep_held_rows(const DdlCommand &command) {
    Node *statement = command.node;
    if (!IsA(statement, DropStmt) && !IsA(statement, DropOwnedStmt) && !IsA(statement, AlterTableStmt)
        && !IsA(statement, AlterEnumStmt)) {
        return;
    }
    // Whether there is a hold shows when nobody can make one any more.
    if (IsA(statement, DropStmt)) {
        check_drop(castNode(DropStmt, statement));
    } else if (IsA(statement, DropOwnedStmt)) {
        check_drop_owned(castNode(DropOwnedStmt, statement));
    } else if (IsA(statement, AlterEnumStmt)) {
        keep_held_values(castNode(AlterEnumStmt, statement));
    } else if (OidIsValid(command.relation)) {
        ListCell *cell;
        foreach (cell, castNode(AlterTableStmt, statement)->cmds) {
            check_part(lfirst_node(AlterTableCmd, cell), command.relation);
        }
    }
}

} // namespace softdelete::ddl
