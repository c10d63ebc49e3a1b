// Makes the definitions of constraints that ALTER TABLE ... ADD CONSTRAINT takes, from what catalog/index_catalog knows
// of their indexes. Called where indexes and constraints are converted, taken back and repaired.
#include "registration/constraint_definitions.hpp"

#include "sqltext/format.hpp"

namespace softdelete::registration {

namespace {

using model::IndexFacts;

sqltext::Expression deferral(bool is_deferrable, bool is_initially_deferred) {
    std::string text = is_deferrable ? " DEFERRABLE" : "";
    return sqltext::Expression(text + (is_initially_deferred ? " INITIALLY DEFERRED" : ""));
}

sqltext::Expression tablespace(const IndexFacts &index) {
    return sqltext::Expression(index.tablespace ? " USING INDEX TABLESPACE " + *index.tablespace : "");
}

sqltext::Expression included(const IndexFacts &index) {
    return sqltext::Expression(
        index.included.empty() ? "" : " INCLUDE (" + sqltext::join(index.included, ", ") + ")");
}

sqltext::Expression where(const std::optional<std::string> &predicate) {
    return sqltext::Expression(predicate ? " WHERE (" + *predicate + ")" : "");
}

} // namespace

sqltext::Expression make_exclusion(const IndexFacts &index, const std::optional<std::string> &predicate) {
    sqltext::Expression end = deferral(index.is_deferrable, index.is_initially_deferred);
    std::string suffix = where(index.predicate).text() + end.text();
    std::string body =
        index.constraint_definition.substr(0, index.constraint_definition.size() - suffix.size());
    return sqltext::expression("%1%%2%%3%%4%", sqltext::Expression(body), tablespace(index), where(predicate),
                               end);
}

sqltext::Expression make_live_deferrable(const IndexFacts &index, const std::vector<std::string> &operators,
                                         const std::string &live_condition) {
    std::vector<std::string> elements;
    for (std::size_t i = 0; i < index.keys.size(); i++) {
        elements.push_back(index.keys[i] + " WITH " + operators.at(i));
    }
    return sqltext::expression("EXCLUDE USING btree (%1%)%2%%3%%4%%5%%6%",
                               sqltext::Expression(sqltext::join(elements, ", ")), included(index),
                               sqltext::Expression(model::get_storage_options(index)), tablespace(index),
                               where(live_condition), deferral(true, index.is_initially_deferred));
}

sqltext::Expression make_unique(const IndexFacts &index, bool is_deferrable, bool is_initially_deferred) {
    return sqltext::expression("UNIQUE %1%(%2%)%3%%4%%5%%6%",
                               sqltext::Expression(index.nulls_not_distinct ? "NULLS NOT DISTINCT " : ""),
                               sqltext::Expression(sqltext::join(index.keys, ", ")), included(index),
                               sqltext::Expression(model::get_storage_options(index)), tablespace(index),
                               deferral(is_deferrable, is_initially_deferred));
}

} // namespace softdelete::registration
