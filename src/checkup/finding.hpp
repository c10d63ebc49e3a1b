// One line of what check() returns.
#pragma once

#include "pg/boundary.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::checkup {

// Says what is wrong, the worst first: soft delete does not do here what it says; rows are at risk, or what should run
// does not; something worth to know.
enum class Severity { error, warning, notice };

struct Finding {
    Severity severity;
    std::string code; // scripts rely on it
    std::optional<Oid> relation;
    std::string object; // kind and name
    std::string message;
    std::optional<std::string> remedy; // statements with semicolons between them
};

using Findings = std::vector<Finding>;

} // namespace softdelete::checkup
