// Keeps the deletions that this transaction has adopted, for the cascade that follows on this node. Called by
// api/distributed_functions; deletion/open_deletions asks for the one that a cascade belongs to.
#include "deletion/adopted_deletions.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}

namespace softdelete::deletion {

namespace {

AdoptedDeletion *adopted = nullptr;

void check_time(TimestampTz time) {
    TimestampTz now = GetCurrentTimestamp();
    if (TIMESTAMP_NOT_FINITE(time) || time > now + USECS_PER_DAY
        || time < Min(now, GetCurrentTransactionStartTimestamp()) - USECS_PER_DAY) {
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                        errmsg("time of a deletion is more than one day off"),
                        errhint("Set the clocks of the nodes.")));
    }
}

} // namespace

void adopt_deletion(const Token &token) {
    if (find_adopted_deletion(token.id) != nullptr) {
        return;
    }
    check_time(token.time);
    auto *entry = static_cast<AdoptedDeletion *>(
        MemoryContextAllocZero(TopTransactionContext, sizeof(AdoptedDeletion)));
    entry->id = token.id;
    entry->time = token.time;
    entry->is_named = token.actor[0] == '=';
    entry->actor = MemoryContextStrdup(TopTransactionContext, token.actor + 1);
    entry->nest_level = GetCurrentTransactionNestLevel();
    entry->next = adopted;
    adopted = entry;
}

const AdoptedDeletion *find_adopted_deletion(int64 id) noexcept {
    const AdoptedDeletion *entry = adopted;
    while (entry != nullptr && entry->id != id) {
        entry = entry->next;
    }
    return entry;
}

void end_adopted_deletions() noexcept {
    adopted = nullptr;
}

void abort_adopted_deletions(int nest_level) noexcept {
    while (adopted != nullptr && adopted->nest_level >= nest_level) {
        AdoptedDeletion *entry = adopted;
        adopted = entry->next;
        pfree(entry->actor);
        pfree(entry);
    }
}

void commit_adopted_deletions(int nest_level) noexcept {
    for (AdoptedDeletion *entry = adopted; entry != nullptr; entry = entry->next) {
        entry->nest_level = Min(entry->nest_level, nest_level - 1);
    }
}

} // namespace softdelete::deletion
