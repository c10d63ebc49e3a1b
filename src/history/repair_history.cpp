// The part of repair() that is about histories, called by api/registration; check() asks for the gaps.
#include "history/repair_history.hpp"

#include "history/check_tracking.hpp"
#include "history/history_triggers.hpp"
#include "history/tracked_table.hpp"
#include "model/trigger_names.hpp"
#include "pg/scopes.hpp"
#include "registry/registry.hpp"
#include "session/utility_commands.hpp"

#include <algorithm>

namespace softdelete::history {

namespace {

// The trigger for rows is cloned to partitions, from a table that has it.
constexpr const char *gaps_query = R"(
    SELECT c.oid, w.name, g.oid IS NULL, w.records
    FROM (SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
          UNION SELECT $1::pg_catalog.oid) AS m (relid)
    JOIN pg_catalog.pg_class c ON c.oid = m.relid AND c.relkind IN ('r', 'p')
    CROSS JOIN (VALUES ($2::pg_catalog.name, 'softdelete_internal.on_history_change'::pg_catalog.regproc, true),
                       ($3::pg_catalog.name, 'softdelete_internal.on_history_truncate'::pg_catalog.regproc, false))
        AS w (name, function, records)
    LEFT JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid AND g.tgname = w.name AND g.tgfoid = w.function
    WHERE g.oid IS NULL AND (c.oid = $1::pg_catalog.oid OR NOT w.records) OR g.tgenabled <> 'A'
    ORDER BY w.records DESC, c.oid <> $1::pg_catalog.oid, c.oid::pg_catalog.regclass::pg_catalog.text)";

void begin_anew(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.tracked_table SET begins_at = pg_catalog.clock_timestamp() WHERE "
                "relation = $1::pg_catalog.oid",
                {relation});
}

} // namespace

std::vector<TriggerGap> find_trigger_gaps(pg::Spi &spi, Oid relation) {
    std::vector<TriggerGap> gaps;
    if (!OidIsValid(find_history(spi, relation))) {
        return gaps;
    }
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row :
         spi.query(gaps_query, {relation, model::history_trigger, model::history_truncate_trigger})) {
        gaps.push_back({row.oid(0), row.text(1), row.boolean(2), row.boolean(3)});
    }
    return gaps;
}

std::vector<rows::GuardGap> find_unguarded(pg::Spi &spi, Oid relation) {
    const Oid history = find_history(spi, relation);
    return OidIsValid(history) ? rows::find_guard_gaps(spi, history) : std::vector<rows::GuardGap>();
}

bool has_history_alone(pg::Spi &spi, Oid relation) {
    return OidIsValid(find_history(spi, relation)) && !registry::find_registration(spi, relation);
}

std::vector<model::Step> repair_history(pg::Spi &spi, Oid relation) {
    std::vector<model::Step> steps;
    if (!OidIsValid(find_history(spi, relation))) {
        return steps;
    }
    const catalog::TableInfo table = lock_trackable(spi, relation);
    bool is_recorded = true;
    bool has_trigger = true;
    for (const TriggerGap &gap : find_trigger_gaps(spi, relation)) {
        is_recorded = is_recorded && !gap.records;
        has_trigger = has_trigger && !(gap.records && gap.is_missing);
        steps.push_back(
            {gap.relation,
             "trigger " + gap.trigger,
             gap.is_missing ? model::Action::create : model::Action::alter,
             false,
             {},
             gap.records ? "the history knows the rows from now on: changes may have been missed" : ""});
    }
    const std::vector<rows::GuardGap> unguarded = find_unguarded(spi, relation);
    for (const rows::GuardGap &gap : unguarded) {
        steps.push_back({gap.relation, std::string("trigger ") + model::kept_trigger,
                         gap.is_missing ? model::Action::create : model::Action::alter, false, gap.commands});
    }
    if (steps.empty()) {
        return steps;
    }
    {
        session::OwnDdlScope own_ddl;
        pg::UserScope owner(table.owner);
        for (const rows::GuardGap &gap : unguarded) {
            for (const std::string &command : gap.commands) {
                spi.execute(command);
            }
        }
        if (!has_trigger) {
            create_triggers(spi, table);
        } else {
            complete_triggers(spi, relation);
        }
    }
    if (!is_recorded) {
        begin_anew(spi, relation);
        pg::call([&] { announce_change(relation); });
    }
    return steps;
}

} // namespace softdelete::history
