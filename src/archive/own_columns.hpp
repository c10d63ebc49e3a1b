// The column that an archive has beside those of its table and those that register() names.
#pragma once

namespace softdelete::archive {

inline constexpr const char *deletion_id_column = "deletion_id";

} // namespace softdelete::archive
