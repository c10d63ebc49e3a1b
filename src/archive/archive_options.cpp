// Whether the value is one at all has been asked before.
#include "archive/archive_options.hpp"

#include "pg/boundary.hpp"
#include "sqltext/format.hpp"

namespace softdelete::archive {

void check_visibility(const std::string &visibility, const std::string &view, Oid relation) {
    if (visibility != "filter") {
        pg::raise(
            {.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
             .message = sqltext::format("visibility \"%1%\" is not for tables with an archive", visibility),
             .detail = "Such a table has live rows only.",
             .hint = sqltext::format("Leave it out. The view \"%1%\" shows the archived rows to those who "
                                     "may read the archive.",
                                     view),
             .relation = relation});
    }
}

void check_indexes(const std::string &indexes, Oid relation) {
    if (indexes != "none") {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = sqltext::format("indexes \"%1%\" is not for tables with an archive", indexes),
                   .detail = "Indexes of such a table hold live rows only, as they are.",
                   .hint = "Leave it out, or say indexes => 'none'.",
                   .relation = relation});
    }
}

} // namespace softdelete::archive
