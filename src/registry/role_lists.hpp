// Roles as the registry's tables keep them, by their OIDs, and as commands name them. Used by registry and archive/archive_settings.
#pragma once

#include <string>

namespace softdelete::registry {

// The names of a row's admin_roles, as SQL. Roles that are gone are left out, and so forgotten when the row is next written.
inline constexpr const char *role_names =
    "ARRAY(SELECT a.rolname FROM pg_catalog.unnest(admin_roles) WITH ORDINALITY r (role, place)"
    " JOIN pg_catalog.pg_roles a ON a.oid = r.role ORDER BY r.place)";

// The roles of an array of names, which is a parameter.
inline std::string make_roles(const char *names) {
    return std::string("ARRAY(SELECT a.oid::pg_catalog.regrole FROM pg_catalog.unnest(") + names
           + "::pg_catalog.name[]) WITH ORDINALITY r (name, place) JOIN pg_catalog.pg_roles a ON a.rolname = "
             "r.name ORDER BY r.place)";
}

} // namespace softdelete::registry
