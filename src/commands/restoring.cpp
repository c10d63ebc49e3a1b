// A counter.
#include "commands/restoring.hpp"

namespace softdelete::commands {

namespace {

int depth = 0;

} // namespace

bool is_restoring() noexcept { return depth > 0; }
void begin_restoring() noexcept { depth++; }
void end_restoring() noexcept { depth = depth > 0 ? depth - 1 : 0; }
void forget_restoring() noexcept { depth = 0; }

} // namespace softdelete::commands
