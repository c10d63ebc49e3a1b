// The row-security policies of tables with visibility rls.
#pragma once

namespace softdelete::model {

// RESTRICTIVE: deleted rows are for owners and admin roles.
inline constexpr const char *live_policy = "softdelete_live";

// PERMISSIVE: everything. Only where row security was enabled by us and no permissive policy of the user exists.
inline constexpr const char *default_policy = "softdelete_default";

} // namespace softdelete::model
