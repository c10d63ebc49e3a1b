// Describes an index, and takes its definition apart by what is known to stand in it, never by searching. Filled by
// catalog/index_catalog.
#include "model/index_facts.hpp"

namespace softdelete::model {

namespace {

std::string join(const std::vector<std::string> &texts) {
    std::string joined;
    for (const std::string &text : texts) {
        joined += (joined.empty() ? "" : ", ") + text;
    }
    return joined;
}

} // namespace

std::string describe(const IndexFacts &index) {
    return (index.is_constraint ? "constraint " : "index ") + index.quoted_name;
}

std::string get_definition_body(const IndexFacts &index) {
    const std::string marker = " USING ";
    std::string prefix =
        std::string("CREATE ") + (index.is_unique ? "UNIQUE " : "") + "INDEX " + index.quoted_name + " ON ";
    std::string body = index.definition.substr(prefix.size());
    // The table's name is the only thing before USING; a quoted one may contain anything.
    bool in_quotes = false;
    std::size_t start = 0;
    while (start < body.size() && (in_quotes || body.compare(start, marker.size(), marker) != 0)) {
        in_quotes = body[start] == '"' ? !in_quotes : in_quotes;
        start++;
    }
    std::string suffix = index.predicate ? " WHERE " + *index.predicate : "";
    return body.substr(start + 1, body.size() - suffix.size() - start - 1);
}

std::string get_storage_options(const IndexFacts &index) {
    std::string body = get_definition_body(index);
    std::string known = "USING btree (" + join(index.keys) + ")";
    known += index.included.empty() ? "" : " INCLUDE (" + join(index.included) + ")";
    known += index.nulls_not_distinct ? " NULLS NOT DISTINCT" : "";
    return body.starts_with(known) ? body.substr(known.size()) : "";
}

} // namespace softdelete::model
