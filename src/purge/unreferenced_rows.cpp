// Removes the rows of a batch that nothing references, in three statements instead of one look-up per row and foreign
// key. Called by purge/purge_batch, which does the others.
#include "purge/unreferenced_rows.hpp"
#include "purge/reference_links.hpp"
#include "sqltext/format.hpp"

#include "pg/physical_rows.hpp"
#include "pg/transactions.hpp"

extern "C" {
#include "access/xact.h"
}

namespace softdelete::purge {

namespace {

std::string make_lock(const PurgeTarget &target, const char *wait) {
    return sqltext::format("SELECT p.ctid FROM ONLY %1% AS p WHERE %2% FOR UPDATE%3%", target.name,
                           make_due_at(target, "p"), wait);
}

std::string make_search(const PurgeTarget &target, const std::vector<Blocker> &blockers) {
    std::string any = "false";
    for (const Blocker &blocker : blockers) {
        any += " OR " + look_up_reference(blocker);
    }
    return sqltext::format("SELECT p.ctid FROM ONLY %1% AS p WHERE %2% AND (%3%)", target.name,
                           make_due_at(target, "p"), any);
}

std::string make_delete(const PurgeTarget &target) {
    return sqltext::format("DELETE FROM %1%%2%", target.from, make_due_at(target, "p"));
}

// Behind an unregistered table are rows that the native action has to remove.
std::vector<Oid> get_direct_keys(const std::vector<Blocker> &blockers) {
    std::vector<Oid> keys;
    for (const Blocker &blocker : blockers) {
        if (blocker.is_direct()) {
            keys.push_back(blocker.last().constraint);
        }
    }
    return keys;
}

} // namespace

UnreferencedRows::UnreferencedRows(pg::Spi &spi, const PurgeTarget &target,
                                   const std::vector<Blocker> &blockers)
    : spi_(spi)
    , target_(target)
    , blockers_(blockers)
    , has_one_owner_(have_one_owner(blockers, target.owner))
    , lock_(target, make_lock(target, ""))
    , lock_unlocked_(target, make_lock(target, " SKIP LOCKED"))
    , find_referenced_(target, make_search(target, blockers))
    , delete_(target, make_delete(target))
    , keys_(get_direct_keys(blockers)) {}

bool UnreferencedRows::may_remove() const {
    return !keys_.empty() && !IsolationUsesXactSnapshot()
           && !pg::call([&] { return pg::runs_code_on_delete(target_.relation); });
}

Positions UnreferencedRows::find_referenced(const Positions &rows, TimestampTz cutoff) {
    if (has_one_owner_) {
        return find_referenced_.find(rows, cutoff);
    }
    rows::RowSet all;
    for (const ItemPointerData &row : rows) {
        all.add(rows::RowId{target_.relation, row});
    }
    Positions found;
    for (const Blocker &blocker : blockers_) {
        const rows::RowSet kept = get_parents(find_reference_links(spi_, blocker, all));
        for (const rows::RowId &row : kept.ids()) {
            found.push_back(row.position);
        }
    }
    sort_positions(found);
    return found;
}

std::uint64_t UnreferencedRows::remove(Positions &rows, TimestampTz cutoff) {
    pg::Subtransaction savepoint;
    Positions locked = lock_unlocked_.find(rows, cutoff);
    Positions removable = subtract(locked, find_referenced(locked, cutoff));
    std::uint64_t removed = delete_.remove(removable.data(), removable.size(), cutoff, keys_);
    savepoint.commit();
    sort_positions(rows);
    rows = subtract(rows, locked);
    return removed;
}

std::uint64_t UnreferencedRows::remove_with_triggers(const Positions &rows, TimestampTz cutoff,
                                                     bool skips_locked) {
    pg::Subtransaction savepoint;
    Positions locked = (skips_locked ? lock_unlocked_ : lock_).find(rows, cutoff);
    Positions removable = subtract(locked, find_referenced(locked, cutoff));
    std::uint64_t removed = delete_.remove(removable.data(), removable.size(), cutoff);
    savepoint.commit();
    return removed;
}

} // namespace softdelete::purge
