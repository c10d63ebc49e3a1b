// Whether a restore of this session is under way: the triggers that check parents then let restored rows pass, because
// the command checks the whole itself.
#pragma once

namespace softdelete::commands {

bool is_restoring() noexcept;
void begin_restoring() noexcept;
void end_restoring() noexcept;
// Called by the abort callbacks.
void forget_restoring() noexcept;

} // namespace softdelete::commands
