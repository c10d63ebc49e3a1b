// Tables that a run or a preview is about, before it is planned.
#pragma once

#include "pg/spi.hpp"

#include <optional>

namespace softdelete::purge {

// Locks the named table, or all registered ones of the current user's, until the transaction ends. What is read of them
// afterwards stays true: whether they are registered, with which strategy, and what their columns are called.
void lock_purged(pg::Spi &spi, std::optional<Oid> relation);

} // namespace softdelete::purge
