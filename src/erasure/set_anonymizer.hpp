// The rules of anonymization.
#pragma once

#include "pg/server.hpp"

#include <optional>
#include <string>

namespace softdelete::erasure {

// Sets the rule of a column of a registered table, or takes it away. Warns where a rule makes values alike that have to be
// unique. Errors: those of get_owned_table() and of check_rule(); 55000 the last rule of a table that is to be anonymized on expiry.
void set_anonymizer(Oid relation, const std::string &column, const std::optional<std::string> &expression);

} // namespace softdelete::erasure
