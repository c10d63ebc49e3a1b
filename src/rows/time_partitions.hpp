// Tables that are partitioned by ranges of one timestamptz column, as archives and histories are: which partition holds a
// time, and making those that are missing. There is no default partition: attaching beside one would lock and scan it.
#pragma once

#include "model/time_period.hpp"
#include "pg/spi.hpp"

extern "C" {
#include "datatype/timestamp.h"
#include "utils/relcache.h"
}

#include <optional>
#include <string>
#include <vector>

namespace softdelete::rows {

// The partition of the open table that holds the time; InvalidOid where none does. Partitions that are being detached do
// not count. Plain server code. Raises 42809 where the table is not partitioned like that.
Oid find_time_partition(Relation table, TimestampTz time);

// The same, and makes it where none does, as wide as the newest one (a month where there is none). Plain server code; the
// caller must not have the table open, but may hold locks on it.
// Locks: ROW EXCLUSIVE on the table; to make one, SHARE UPDATE EXCLUSIVE, which lets others read and write.
Oid get_time_partition(Oid table, TimestampTz time);

// Makes those that are missing from the time on, for so many periods. Each is made as the table's owner, gets the table's
// own statement triggers, its row security, storage and replica identity, and nobody's grants.
// Locks: SHARE UPDATE EXCLUSIVE on the table where one is missing.
void make_time_partitions(pg::Spi &spi, Oid table, TimestampTz from, model::PeriodWidth width, int periods);

// Takes away what default privileges gave others on a new table, before they see it. table: its qualified name.
void revoke_grants(pg::Spi &spi, const std::string &table);

// Is there a relation of that name in the schema of this one?
bool is_name_taken(pg::Spi &spi, Oid beside, const std::string &name);

// Is there a partition for the time, and for the period after that?
bool has_next_partition(Oid table, TimestampTz time);

struct TimePartition {
    Oid relation;
    std::string name; // schema-qualified, quoted
    bool is_past;     // no time from the given one on can be in it
};

// Those that may have rows from before the time: those of the past first, each kind by name. A default partition is among them,
// and those without a lower or an upper bound.
std::vector<TimePartition> find_partitions_before(pg::Spi &spi, Oid table, TimestampTz time);

// Locks the partition and its table ACCESS SHARE until the transaction ends, and says what its name is, quoted: another session may
// have renamed it since it was found. Nothing where it is no partition of the table any more.
std::optional<std::string> lock_partition(pg::Spi &spi, Oid table, Oid partition);

// When the partition of the table begins; DT_NOBEGIN where it has no lower bound, or is no partition of it.
TimestampTz get_partition_start(Oid table, Oid partition);

// Where to stop on the way from the newest partition to the oldest, to look for what is newest: the starts of a few of them, then of
// more. The last is DT_NOBEGIN.
std::vector<TimestampTz> get_steps_back(Oid table);

// The width of the table's newest partition; months where there is none.
model::PeriodWidth get_partition_width(Oid table);

} // namespace softdelete::rows
