// A stack kept by nest level: an error leaves entries behind, and the (sub)transaction's abort removes them.
#include "session/utility_commands.hpp"

#include "session/running_statements.hpp"
#include "session/session_stack.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/memutils.h"
}

namespace softdelete::session {

namespace {

struct UtilityCommand {
    uint64 number;
    int nest_level;
    int statements; // that ran when it began
    bool validates_constraints;
    bool writes_rows;
    bool is_own;
};

UtilityCommand *commands = nullptr;
int commands_depth = 0;
int commands_capacity = 0;
uint64 last_number = 0;
OwnDdlScope *innermost_ddl = nullptr;

} // namespace

void begin_utility_command(bool validates_constraints, bool writes_rows) {
    if (commands_depth == commands_capacity) {
        grow(&commands, &commands_capacity);
    }
    bool is_own = OwnDdlScope::is_here();
    commands[commands_depth++] = {++last_number,
                                  GetCurrentTransactionNestLevel(),
                                  running_statement_depth(),
                                  validates_constraints,
                                  writes_rows,
                                  is_own};
}

void end_utility_command() noexcept {
    commands_depth = Max(commands_depth - 1, 0);
}

void forget_utility_commands(int nest_level) noexcept {
    while (commands_depth > 0 && commands[commands_depth - 1].nest_level >= nest_level) {
        commands_depth--;
    }
}

uint64 running_command() noexcept {
    return commands_depth == 0 ? 0 : commands[commands_depth - 1].number;
}

bool is_running_command(uint64 number) noexcept {
    for (int i = 0; i < commands_depth; i++) {
        if (commands[i].number == number) {
            return true;
        }
    }
    return number == 0;
}

bool is_own_command() noexcept {
    return commands_depth > 0 && commands[commands_depth - 1].is_own;
}

bool is_called_by_own_command() noexcept {
    return is_own_command() && commands[commands_depth - 1].statements == running_statement_depth();
}

bool is_writing_command() noexcept {
    return commands_depth > 0 && commands[commands_depth - 1].writes_rows
           && commands[commands_depth - 1].statements == running_statement_depth();
}

bool validates_constraints() noexcept {
    return commands_depth > 0 && commands[commands_depth - 1].validates_constraints;
}

OwnDdlScope::OwnDdlScope() noexcept
    : commands_(commands_depth)
    , statements_(running_statement_depth())
    , outer_(innermost_ddl) {
    innermost_ddl = this;
}

OwnDdlScope::~OwnDdlScope() {
    innermost_ddl = outer_;
}

bool OwnDdlScope::is_here() noexcept {
    return innermost_ddl != nullptr && innermost_ddl->commands_ == commands_depth
           && innermost_ddl->statements_ == running_statement_depth();
}

} // namespace softdelete::session
