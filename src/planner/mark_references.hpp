// Statements of our own that read what their role may not. A command announces one by its text; the parser's hook marks
// the references in it. Nobody else's statement is meant: it is the next one with that very text, and the mark is not
// given twice.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

#include <string>

namespace softdelete::planner {

enum class OwnReading {
    as_owners, // each table is read as its owner, as foreign keys do, while the role that runs the statement stays
    past_filter, // our policy hides no deleted rows; the user's hide what they hide
};

// Announces the statement for as long as it lives.
class OwnStatementScope {
public:
    OwnStatementScope(const std::string &text, OwnReading reading) noexcept;
    ~OwnStatementScope();
    OwnStatementScope(const OwnStatementScope &) = delete;
    OwnStatementScope &operator=(const OwnStatementScope &) = delete;
};

// After parse analysis, before rules and row security. Plain server code.
void mark_own_statement(const char *text, Query *query);

} // namespace softdelete::planner
