// The new trigger is looked up by its name, as the statement gave it.
#include "registration/delete_triggers.hpp"
#include "sqltext/format.hpp"

#include "catalog/quoting.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/pinned_spi.hpp"
#include "pg/quote.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
#include "utils/lsyscache.h"
}

namespace softdelete::registration {

sqltext::Statement make_soft_trigger(const catalog::DeleteTrigger &trigger,
                                     const sqltext::QualifiedName &table, const std::string &deleted_at) {
    sqltext::Identifier name = catalog::identifier(pg::make_object_name(trigger.name, "", "soft"));
    sqltext::Identifier column = catalog::identifier(deleted_at);
    sqltext::Expression timing(trigger.is_before ? "BEFORE" : "AFTER");
    if (trigger.is_row) {
        return sqltext::statement("CREATE TRIGGER %1% %2% UPDATE OF %3% ON %4% FOR EACH ROW"
                                  " WHEN (OLD.%3% IS NULL AND NEW.%3% IS NOT NULL) EXECUTE FUNCTION %5%",
                                  name, timing, column, table, trigger.call);
    }
    return sqltext::statement("CREATE TRIGGER %1% %2% UPDATE OF %3% ON %4% FOR EACH STATEMENT"
                              " EXECUTE FUNCTION %5%",
                              name, timing, column, table, trigger.call);
}

std::string soft_trigger_advice(const catalog::DeleteTrigger &trigger) {
    if (!trigger.is_row) {
        return "it fires for restores as well";
    }
    return trigger.is_before
               ? "OLD and NEW are both set, and its function has to return NEW: OLD would keep the row"
               : "OLD and NEW are both set";
}

namespace {

void warn(const catalog::DeleteTrigger &trigger, const char *table, const sqltext::Statement &equivalent) {
    if (trigger.fires_on_update) {
        pg::warn(sqltext::format("trigger \"%1%\" fires on a soft delete of \"%2%\" as on an UPDATE",
                                 trigger.name, table),
                 "In its function TG_OP is UPDATE then, and OLD and NEW are both set.");
        return;
    }
    pg::warn(sqltext::format("trigger \"%1%\" does not fire on a soft delete, which is an UPDATE of \"%2%\"",
                             trigger.name, table),
             "The equivalent (" + soft_trigger_advice(trigger) + "): " + equivalent.text());
}

} // namespace

bool creates_delete_trigger(const Node *statement) {
    return IsA(statement, CreateTrigStmt)
           && TRIGGER_FOR_DELETE(castNode(CreateTrigStmt, const_cast<Node *>(statement))->events);
}

void warn_of_delete_trigger(const Node *statement) {
    if (!creates_delete_trigger(statement)) {
        return;
    }
    const auto *create = castNode(CreateTrigStmt, const_cast<Node *>(statement));
    session::RegisteredTable table = {};
    std::string deleted_at = pg::call([&] {
        Oid relation = ddl::find_relation(create->relation);
        return OidIsValid(relation) && session::find_registered_table(relation, &table)
                   ? get_attname(relation, table.deleted_at, false)
                   : "";
    });
    if (deleted_at.empty()) {
        return;
    }
    pg::DdlSession session;
    for (const catalog::DeleteTrigger &trigger :
         catalog::find_delete_triggers(session.spi(), table.relation)) {
        if (trigger.name == create->trigname) {
            warn(trigger, create->relation->relname,
                 make_soft_trigger(trigger, catalog::get_qualified_name(session.spi(), table.relation),
                                   deleted_at));
        }
    }
}

} // namespace softdelete::registration
