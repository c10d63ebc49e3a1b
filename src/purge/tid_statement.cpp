// Runs statements on rows of one physical table by their positions, parsed and planned once for all batches of a run.
// The positions go in as one array. Used by purge/purge_batch and purge/unreferenced_rows.
#include "purge/tid_statement.hpp"
#include "sqltext/format.hpp"

#include "catalog/foreign_key_info.hpp"
#include "session/registered_table.hpp"

#include <algorithm>

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
}

namespace softdelete::purge {

namespace {

bool is_before(const ItemPointerData &one, const ItemPointerData &other) {
    return ItemPointerCompare(const_cast<ItemPointer>(&one), const_cast<ItemPointer>(&other)) < 0;
}

// A removal fires neither the marker nor the actions of the foreign keys, by their roots (a partition's copy of a key is
// meant by its root).
class RemovalAnswers : public session::TriggerAnswers {
public:
    explicit RemovalAnswers(const std::vector<Oid> &keys) : keys_(keys) {}

    bool is_answered(Relation, const Trigger &trigger) override {
        if (session::is_marker_function(trigger.tgfoid)) {
            return true;
        }
        catalog::ForeignKeyInfo key;
        return catalog::is_binding_delete_action(trigger.tgfoid)
               && catalog::find_foreign_key(trigger.tgconstraint, &key) && catalog::compares_by_equality(key)
               && std::find(keys_.begin(), keys_.end(), key.root) != keys_.end();
    }

private:
    const std::vector<Oid> &keys_;
};

} // namespace

std::string make_due_at(const PurgeTarget &target, const char *alias, const std::string &positions) {
    return sqltext::format("%1%.ctid = ANY (%3%) AND (%1%.%2% < $2) IS TRUE", alias, target.deleted_at,
                           positions);
}

PositionStatement::PositionStatement(const PurgeTarget &target, std::string sql)
    : target_(target)
    , statement_("/* softdelete purge */ " + std::move(sql), {TIDARRAYOID, get_comparable_type(target)}) {}

std::uint64_t PositionStatement::execute(const ItemPointerData *rows, std::size_t count, TimestampTz cutoff,
                                         const std::function<void()> &look,
                                         const session::OwnTraits &traits) {
    return statement_.execute(
        [&] {
            return std::array<Datum, 2>{make_positions(rows, count), get_comparable(target_, cutoff)};
        },
        look, traits);
}

std::uint64_t PositionStatement::remove(const ItemPointerData *rows, std::size_t count, TimestampTz cutoff,
                                        const std::vector<Oid> &keys) {
    RemovalAnswers answers(keys);
    return execute(
        rows, count, cutoff, [] {},
        {.notes = removal_notes, .skipped = {&answers, CMD_DELETE, target_.named}, .runs_as_called = true});
}

Positions PositionStatement::find(const Positions &rows, TimestampTz cutoff) {
    Positions found(rows.size());
    std::size_t count = 0;
    execute(rows.data(), rows.size(), cutoff, [&] {
        for (; count < SPI_processed; count++) {
            bool is_null = false;
            Datum position = SPI_getbinval(SPI_tuptable->vals[count], SPI_tuptable->tupdesc, 1, &is_null);
            found[count] = *reinterpret_cast<const ItemPointerData *>(DatumGetPointer(position));
        }
    });
    found.resize(count);
    sort_positions(found);
    return found;
}

Positions subtract(const Positions &rows, const Positions &others) {
    Positions rest;
    std::set_difference(rows.begin(), rows.end(), others.begin(), others.end(), std::back_inserter(rest),
                        is_before);
    return rest;
}

void sort_positions(Positions &rows) {
    std::sort(rows.begin(), rows.end(), is_before);
}

} // namespace softdelete::purge
