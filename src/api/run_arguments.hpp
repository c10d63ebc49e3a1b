// Arguments of the procedures that work in batches.
#pragma once

#include "pg/boundary.hpp"

#include <chrono>
#include <cstddef>
#include <optional>

namespace softdelete::api {

// Errors: 22004 where the argument is null.
void require(FunctionCallInfo call, int number, const char *name);

// Rows. Errors: 22004, 22023.
std::size_t get_batch_size(FunctionCallInfo call, int number);

// Of an interval; one that is longer than any run is cut. Errors: 22023 where it is negative.
std::chrono::microseconds get_duration(FunctionCallInfo call, int number, const char *name);

} // namespace softdelete::api
