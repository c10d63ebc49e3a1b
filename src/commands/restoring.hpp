// The updates by which restore and undo bring rows back: the triggers that check parents let those rows pass, because the
// command checks the whole itself. What users' triggers write meanwhile is checked as ever.
#pragma once

namespace softdelete::commands {

// Is a restore or an undo under way, which marks its deletion itself when it is through?
bool is_restoring() noexcept;
// Is the innermost statement such an update of one?
bool is_restore_statement() noexcept;
void begin_restoring() noexcept;
void end_restoring() noexcept;
// Called by the abort callbacks.
void forget_restoring() noexcept;

} // namespace softdelete::commands
