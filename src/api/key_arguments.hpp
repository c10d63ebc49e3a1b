// The VARIADIC key of delete(), restore(), preview() and their like: the primary key's values in order, as text.
#pragma once

#include "pg/boundary.hpp"

#include <string>
#include <vector>

namespace softdelete::api {

// Reads the values from argument `first` on; both variants, VARIADIC "any" and VARIADIC text[].
// Errors: 22004 for NULL, 22023 where no value is given.
std::vector<std::string> get_key_arguments(FunctionCallInfo call, int first);

} // namespace softdelete::api
