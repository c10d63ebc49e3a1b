// The equivalents of triggers for DELETE, for the warnings of register() and CREATE TRIGGER.
#include "registration/delete_triggers.hpp"

#include "catalog/quoting.hpp"
#include "pg/quote.hpp"
#include "sqltext/format.hpp"

namespace softdelete::registration {

namespace {

using sqltext::Expression;
using sqltext::Identifier;

sqltext::Statement make_stand_in(const catalog::DeleteTrigger &trigger, const sqltext::QualifiedName &table,
                                 const Identifier &column, const char *suffix, const Expression &condition,
                                 const Expression &call) {
    Identifier name = catalog::identifier(pg::make_object_name(trigger.name, "", suffix));
    Expression timing(trigger.is_before ? "BEFORE" : "AFTER");
    return sqltext::statement("CREATE TRIGGER %1% %2% UPDATE OF %3% ON %4% %5% EXECUTE FUNCTION %6%", name,
                              timing, column, table, condition, call);
}

sqltext::Statement add_condition(const Expression &head, const std::string &condition,
                                 const Expression &further, const Expression &call) {
    return condition.empty() ? sqltext::statement("%1% WHEN (%2%) EXECUTE FUNCTION %3%", head, further, call)
                             : sqltext::statement("%1% WHEN ((%2%) AND %3%) EXECUTE FUNCTION %4%", head,
                                                  Expression(condition), further, call);
}

} // namespace

sqltext::Statement make_equivalents(const catalog::DeleteTrigger &trigger,
                                    const sqltext::QualifiedName &table, const std::string &deleted_at) {
    Identifier column = catalog::identifier(deleted_at);
    std::vector<std::string> statements;
    if (trigger.reads_transition_table || (!trigger.is_row && trigger.fires_on_update)) {
        return sqltext::Statement("");
    }
    if (!trigger.is_row) {
        return make_stand_in(trigger, table, column, "soft", Expression("FOR EACH STATEMENT"), trigger.call);
    }
    if (!trigger.fires_on_update) {
        Expression deletes =
            sqltext::expression("FOR EACH ROW WHEN (OLD.%1% IS NULL AND NEW.%1% IS NOT NULL)", column);
        statements.push_back(make_stand_in(trigger, table, column, "soft", deletes, trigger.call).text());
        if (trigger.insert_call) {
            Expression restores =
                sqltext::expression("FOR EACH ROW WHEN (OLD.%1% IS NOT NULL AND NEW.%1% IS NULL)", column);
            statements.push_back(
                make_stand_in(trigger, table, column, "back", restores, *trigger.insert_call).text());
        }
    }
    if (trigger.head) {
        statements.push_back(add_condition(*trigger.head, trigger.condition,
                                           sqltext::expression("OLD.%1% IS NULL", column), trigger.call)
                                 .text()
                             + trigger.enabling);
    }
    return sqltext::Statement(sqltext::join(statements, "; "));
}

std::string soft_trigger_advice(const catalog::DeleteTrigger &trigger) {
    if (trigger.reads_transition_table) {
        return "needs a trigger AFTER UPDATE, of all columns, REFERENCING OLD TABLE and NEW TABLE, whose "
               "function "
               "looks for rows whose deletion time was NULL and is not any more";
    }
    if (!trigger.is_row) {
        return "it fires for restores as well, and the old one again at the purge";
    }
    std::string advice =
        trigger.is_before
            ? "OLD and NEW are both set, and its function has to return NEW: OLD would keep the row"
            : "OLD and NEW are both set";
    if (!trigger.insert_call) {
        advice += "; nothing fires on a restore";
    }
    return trigger.head ? advice
                        : advice + "; the old one fires again at the purge, where OLD is a deleted row";
}

sqltext::Statement make_quiet(const catalog::UpdateTrigger &trigger, const std::string &deleted_at) {
    Identifier column = catalog::identifier(deleted_at);
    if (!trigger.head) {
        return sqltext::Statement("");
    }
    return sqltext::Statement(
        add_condition(*trigger.head, trigger.condition,
                      sqltext::expression("OLD.%1% IS NOT DISTINCT FROM NEW.%1%", column), trigger.call)
            .text()
        + trigger.enabling);
}

} // namespace softdelete::registration
