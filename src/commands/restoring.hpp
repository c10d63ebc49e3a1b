// The updates by which restore and undo bring rows back: the triggers that check parents let those rows pass, because the
// command checks the whole itself. What users' triggers write meanwhile is checked as ever.
#pragma once

namespace softdelete::commands {

// Is the innermost statement such an update?
bool is_restoring() noexcept;
void begin_restoring() noexcept;
void end_restoring() noexcept;
// Called by the abort callbacks.
void forget_restoring() noexcept;

} // namespace softdelete::commands
