// The equivalents of triggers for DELETE, for the warnings of register() and CREATE TRIGGER.
#include "registration/delete_triggers.hpp"

#include "catalog/quoting.hpp"
#include "pg/quote.hpp"

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

} // namespace softdelete::registration
