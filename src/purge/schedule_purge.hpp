// schedule() and unschedule(): purge() as a job of pg_cron. What pg_cron may do and for whom is its own matter.
#pragma once

#include "pg/server.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace softdelete::purge {

// Makes a job of the current role that calls purge() at these times; replaces the one that it has for the same table.
// Returns the job's id. Errors: 0A000 where this database has no pg_cron; as plan_purge() for the relation; pg_cron's own.
std::int64_t schedule_purge(const std::string &cron, std::optional<Oid> relation);

// Ends the current role's jobs of this database. Returns how many. Errors: 0A000.
std::int64_t unschedule_purges();

} // namespace softdelete::purge
