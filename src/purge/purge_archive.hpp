// The retention of archives: expired partitions are dropped, and of the one that the cutoff lies in the expired rows are
// removed. Called by purge() after the rows of tables; makes the partitions of the next time as well.
#pragma once

#include "pg/spi.hpp"
#include "purge/preview_purge.hpp"
#include "purge/purge_rows.hpp"

#include <optional>
#include <vector>

namespace softdelete::purge {

// Is it a table with an archive, or a partition of one? 42501 where it is and is not the current user's.
bool names_archive(pg::Spi &spi, std::optional<Oid> relation);

// The tables with an archive whose owner the current user is, or the one that is named.
std::vector<Oid> find_purgeable_archives(pg::Spi &spi, std::optional<Oid> relation);

// Each archive with a retention with a line in the log of purges, under the name of its table. An error in one is logged and
// the others follow.
void purge_archives(pg::Spi &spi, const PurgeRequest &request, PurgeRequest::Time started);

// What purge_archives() would find.
void preview_archives(pg::Spi &spi, std::optional<Oid> relation, std::vector<DueLine> *lines);

// Has the current user an archive with rows that are due, or without the partition of the next time?
bool has_due_archives(pg::Spi &spi);

} // namespace softdelete::purge
