// The retention of histories: expired partitions are dropped, and of the one that the cutoff lies in the expired entries are
// deleted. Entries of rows on hold stay. Called by purge() after the rows of tables; makes the partitions of the next time
// as well.
#pragma once

#include "pg/spi.hpp"
#include "purge/purge_rows.hpp"

#include <optional>
#include <vector>

namespace softdelete::purge {

// The tables with a history whose owner the current user is, or the one that is named.
std::vector<Oid> find_purgeable_histories(pg::Spi &spi, std::optional<Oid> relation);

// Is it a table of the current user's that has a history and is not registered?
bool names_history_alone(pg::Spi &spi, std::optional<Oid> relation);

// Each history with a line in the log of purges. An error in one is logged and the others follow.
void purge_histories(pg::Spi &spi, const PurgeRequest &request, PurgeRequest::Time started);

} // namespace softdelete::purge
