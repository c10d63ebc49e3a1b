// Index predicates in the form that the server deparses them to: every operator expression stands in parentheses.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace softdelete::model {

// The conditions that a predicate ANDs together: one where there is no AND at the top.
std::vector<std::string> split_predicate(const std::string &predicate);

// As the server will deparse the predicate once condition is ANDed to it.
std::string add_condition(const std::optional<std::string> &predicate, const std::string &condition);

// Without the condition; nothing where nothing remains.
std::optional<std::string> remove_condition(const std::string &predicate, const std::string &condition);

bool has_condition(const std::string &predicate, const std::string &condition);

} // namespace softdelete::model
