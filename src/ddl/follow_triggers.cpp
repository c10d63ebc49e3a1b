// Puts our triggers back to ENABLE ALWAYS after ENABLE TRIGGER ALL or USER, also while a dump is being restored, and has the
// check of written rows put on a table whose rows a new trigger may change (registration/plan_triggers). Event triggers call it.
#include "ddl/follow_triggers.hpp"

#include "ddl/command_table.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/compat.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/bring_in_step.hpp"
#include "registration/plan_parts.hpp"
#include "registration/run_steps.hpp"
#include "registry/registered_names.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
#include "nodes/parsenodes.h"
}

#include <algorithm>

namespace softdelete::ddl {

namespace {

constexpr const char *statements_query = R"(
    SELECT pg_catalog.format('ALTER TABLE ONLY %I.%I ENABLE ALWAYS TRIGGER %I', n.nspname, c.relname, t.tgname)
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgenabled = 'O'
      AND t.tgfoid IN ('softdelete_internal.on_delete'::pg_catalog.regproc, 'softdelete_internal.on_truncate'::pg_catalog.regproc,
                       'softdelete_internal.on_update'::pg_catalog.regproc,
                       'softdelete_internal.check_written'::pg_catalog.regproc,
                       'softdelete_internal.on_history_change'::pg_catalog.regproc,
                       'softdelete_internal.on_history_truncate'::pg_catalog.regproc,
                       'softdelete_internal.on_archived_delete'::pg_catalog.regproc,
                       'softdelete_internal.on_applied_removal'::pg_catalog.regproc)
      AND (c.oid = $1::pg_catalog.oid
           OR c.oid IN (SELECT p.relid::pg_catalog.oid
                        FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p))
    ORDER BY 1)";

// A trigger that is created on a partitioned table is created on its partitions as well, as the table's owner.
bool may_create_triggers(const catalog::Table &table) {
    return std::all_of(table.members.begin(), table.members.end(), [&](const catalog::Member &member) {
        return !member.is_partition
               || pg::call([&] { return pg::compat::owns_relation(member.oid, table.owner); });
    });
}

// False where that is not possible. Nothing to do for a table whose registration is missing.
bool bring_checks_in_step(pg::Spi &spi, Oid relation) {
    std::optional<Oid> root = registry::find_registered_root(spi, relation);
    if (!root) {
        return true;
    }
    catalog::Table table = catalog::get_table_definition(spi, *root);
    if (!may_create_triggers(table)) {
        return false;
    }
    registration::TableWork work =
        registration::begin_work_on_views(spi, table, *registry::find_registration(spi, *root), false);
    {
        pg::UserScope owner(table.owner);
        registration::plan_written_checks(work, table.members);
    }
    registration::run_and_record(work);
    return true;
}

std::string get_trigger_name(const DdlCommand &command) {
    return castNode(CreateTrigStmt, const_cast<Node *>(command.node))->trigname;
}

} // namespace

bool creates_changing_trigger(const DdlCommand &command) {
    if (!IsA(command.node, CreateTrigStmt)) {
        return false;
    }
    const auto *create = castNode(CreateTrigStmt, const_cast<Node *>(command.node));
    return create->row && TRIGGER_FOR_BEFORE(create->timing)
           && (TRIGGER_FOR_INSERT(create->events) || TRIGGER_FOR_UPDATE(create->events));
}

void follow_changing_trigger(const DdlCommand &command) {
    if (!creates_changing_trigger(command) || !is_registered(command.relation)) {
        return;
    }
    pg::Spi spi;
    if (!bring_checks_in_step(spi, command.relation)) {
        pg::warn("what trigger \"" + get_trigger_name(command) + "\" writes of deletions is not checked",
                 "A partition does not belong to the owner of its table. Run ALTER TABLE ... OWNER TO for "
                 "it, then "
                 "softdelete.repair().");
    }
}

void follow_dropped_triggers() {
    pg::Spi spi;
    std::vector<pg::Row> tables =
        spi.query("SELECT DISTINCT c.oid FROM pg_catalog.pg_event_trigger_dropped_objects() d"
                  " JOIN pg_catalog.pg_namespace n ON n.nspname = d.address_names[1]"
                  " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.address_names[2]"
                  " WHERE d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass ORDER BY c.oid");
    for (const pg::Row &row : tables) {
        if (is_registered(row.oid(0))) {
            (void)bring_checks_in_step(spi, row.oid(0));
        }
    }
}

bool enables_triggers(const DdlCommand &command) {
    const Node *statement = command.node;
    if (IsA(statement, CreateTrigStmt)) {
        return castNode(CreateTrigStmt, const_cast<Node *>(statement))->replace;
    }
    if (!IsA(statement, AlterTableStmt)) {
        return false;
    }
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        AlterTableType kind = lfirst_node(AlterTableCmd, cell)->subtype;
        if (kind == AT_EnableTrig || kind == AT_EnableTrigAll || kind == AT_EnableTrigUser) {
            return true;
        }
    }
    return false;
}

void enable_own_triggers(const DdlCommand &command) {
    if (!OidIsValid(command.relation)) {
        return; // IF EXISTS
    }
    pg::Spi spi;
    session::OwnDdlScope own_ddl;
    std::vector<pg::Row> statements;
    {
        pg::UserScope owner(pg::get_extension_owner());
        statements = spi.query(statements_query, {command.relation});
    }
    for (const pg::Row &statement : statements) {
        spi.execute(statement.text(0));
    }
}

} // namespace softdelete::ddl
