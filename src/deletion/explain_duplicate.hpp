// A deleted row keeps its primary key, and the values of unique constraints that had to stay whole: the error that an
// insert of such a value raises says so. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::deletion {

// Is it the violation of a unique constraint? The server raises that error when it holds no lock of a page any more, so that
// the catalogs may be looked at.
bool is_duplicate_key(const ErrorData *error);

// Called with such an error on its way. A hint where the table is registered and the constraint covers deleted rows, too;
// else null.
const char *explain_duplicate(const ErrorData *error);

} // namespace softdelete::deletion
