// The comments by which register() knows again what softdelete added.
#pragma once

namespace softdelete::registration {

// Ends the comment on a column that register() or the online steps of plan() added: unregister() drops those.
constexpr const char *added_mark = "; added by softdelete.";

// The comment on such an index.
constexpr const char *added_index_mark = "Deleted rows only; added by softdelete.";

// Begins the comment by which the online steps of plan() list what they add.
constexpr const char *additions_start = "The deletion that took the row. Added by softdelete: ";

} // namespace softdelete::registration
