// What errors say of a table that has the marker and no registration.
#pragma once

namespace softdelete::catalog {

inline constexpr const char *half_registered =
    "It has the triggers of a registered table, as a copy of the schema without its data leaves them.";

} // namespace softdelete::catalog
