// The row-security policies of tables with visibility rls, and those that archives have of their tables.
#pragma once

namespace softdelete::model {

// RESTRICTIVE: deleted rows are for owners and admin roles.
inline constexpr const char *live_policy = "softdelete_live";

// PERMISSIVE: everything. Only where row security was enabled by us and no permissive policy of the user exists.
inline constexpr const char *default_policy = "softdelete_default";

// How the names of an archive's begin.
inline constexpr const char *archive_prefix = "softdelete_";

} // namespace softdelete::model
