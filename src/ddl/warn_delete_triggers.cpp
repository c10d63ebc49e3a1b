// Event triggers call this after CREATE TRIGGER, which gives the new trigger by its name. register() warns of triggers that
// are there already (registration/plan_warnings).
#include "ddl/warn_delete_triggers.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/spi.hpp"
#include "registration/delete_triggers.hpp"
#include "session/registered_table.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
}

namespace softdelete::ddl {

namespace {

void warn(const catalog::DeleteTrigger &trigger, const char *table, const sqltext::Statement &equivalent) {
    if (trigger.deletes_softly) {
        pg::warn(sqltext::format("trigger \"%1%\" seems to soft-delete rows of \"%2%\" by hand", trigger.name,
                                 table),
                 "It fires when a row is purged or erased, and keeps it. Drop it, if it does nothing else.");
        return;
    }
    if (trigger.fires_on_update) {
        pg::warn(
            sqltext::format("trigger \"%1%\" fires on a soft delete of \"%2%\" as on an UPDATE", trigger.name,
                            table),
            "In its function TG_OP is UPDATE then, and OLD and NEW are both set. It fires once more when "
            "the row is purged"
                + (equivalent.text().empty() ? "." : "; to keep it quiet then: " + equivalent.text()));
        return;
    }
    pg::warn(sqltext::format("trigger \"%1%\" does not fire on a soft delete, which is an UPDATE of \"%2%\"",
                             trigger.name, table),
             trigger.reads_transition_table
                 ? "The equivalent " + registration::soft_trigger_advice(trigger) + "."
                 : "The equivalent (" + registration::soft_trigger_advice(trigger)
                       + "): " + equivalent.text());
}

} // namespace

bool creates_delete_trigger(const DdlCommand &command) {
    const Node *statement = command.node;
    return IsA(statement, CreateTrigStmt)
           && TRIGGER_FOR_DELETE(castNode(CreateTrigStmt, const_cast<Node *>(statement))->events);
}

void warn_of_delete_trigger(const DdlCommand &command) {
    const Node *statement = command.node;
    if (!creates_delete_trigger(command)) {
        return;
    }
    const auto *create = castNode(CreateTrigStmt, const_cast<Node *>(statement));
    session::RegisteredTable table = {};
    std::string deleted_at = pg::call([&] {
        return OidIsValid(command.relation) && session::find_registered_table(command.relation, &table)
                   ? get_attname(command.relation, table.deleted_at, false)
                   : "";
    });
    if (deleted_at.empty()) {
        return;
    }
    pg::Spi spi;
    for (const catalog::DeleteTrigger &trigger :
         catalog::find_delete_triggers(spi, table.relation, deleted_at)) {
        if (trigger.name == create->trigname && !trigger.is_provided_for) {
            warn(trigger, create->relation->relname,
                 registration::make_equivalents(trigger, catalog::get_qualified_name(spi, table.relation),
                                                deleted_at));
        }
    }
}

} // namespace softdelete::ddl
