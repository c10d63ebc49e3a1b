// Is a command under way that checks or rewrites all rows of a registered table, deleted ones too? An error about a row then
// may be about one that the user's statements have not seen. Plain server code.
#pragma once

namespace softdelete::session {

// Called before and after such a command. On an error the abort callbacks end it, when the error has been reported.
void begin_row_checks();
void end_row_checks() noexcept;
void forget_row_checks(int nest_level) noexcept;

bool is_checking_rows() noexcept;

} // namespace softdelete::session
