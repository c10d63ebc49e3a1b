// One run of purge() over the archive of one table. Called by purge/purge_archive.
#pragma once

#include "catalog/table_info.hpp"
#include "purge/purge_rows.hpp"

#include <cstdint>
#include <functional>

namespace softdelete::purge {

// end_batch: ends a transaction of the run, where it has such. logged_run: its line in the log, once that outlives an error.
void run_archive_purge(pg::Spi &spi, const catalog::TableInfo &table, const PurgeRequest &request,
                       PurgeRequest::Time started, std::int64_t *logged_run,
                       const std::function<void()> &end_batch);

} // namespace softdelete::purge
