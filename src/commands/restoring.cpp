// A counter, and the text that the commands' own statements begin with.
#include "commands/restoring.hpp"

#include "planner/running_statements.hpp"

#include <cstring>

namespace softdelete::commands {

namespace {

constexpr char statement_prefix[] = "/* softdelete */ UPDATE ";

int depth = 0;

} // namespace

bool is_restoring() noexcept {
    return depth > 0;
}

bool is_restore_statement() noexcept {
    const QueryDesc *statement = depth > 0 ? planner::running_statement() : nullptr;
    return statement != nullptr
           && strncmp(statement->sourceText, statement_prefix, strlen(statement_prefix)) == 0;
}

void begin_restoring() noexcept {
    depth++;
}

void end_restoring() noexcept {
    depth = depth > 0 ? depth - 1 : 0;
}

void forget_restoring() noexcept {
    depth = 0;
}

} // namespace softdelete::commands
