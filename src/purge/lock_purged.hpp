// Tables that a run or a preview is about, before it is planned.
#pragma once

#include "pg/spi.hpp"
#include "purge/due_rows.hpp"

#include <optional>
#include <vector>

namespace softdelete::purge {

// Locks the named table, or all registered ones of the current user's, until the transaction ends. What is read of them
// afterwards stays true: whether they are registered, with which strategy, and what their columns are called.
void lock_purged(pg::Spi &spi, std::optional<Oid> relation);

// Before each transaction of a run: locks these tables. False where one is gone, or has another owner: his triggers are not to run
// as the former one.
bool lock_as_planned(const std::vector<PurgeTarget> &targets, int lock_mode);

} // namespace softdelete::purge
