// The findings of check() that take a closer look at one table: steps that repair() would take, what register() would warn
// of today, rows and entries that are overdue. Works with the parts of registration, archive and history, as the table's
// owner. Called by checkup/check, table by table.
#include "checkup/table_findings.hpp"

#include "archive/archive_gaps.hpp"
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "checkup/backfill_findings.hpp"
#include "checkup/kind.hpp"
#include "erasure/rule_check.hpp"
#include "history/check_tracking.hpp"
#include "history/own_columns.hpp"
#include "history/repair_history.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "purge/purge_tables.hpp"
#include "registration/bring_in_step.hpp"
#include "registration/plan_parts.hpp"
#include "registry/anonymizers.hpp"
#include "registry/registry_scan.hpp"
#include "registry/retention.hpp"

#include <algorithm>

namespace softdelete::checkup {

namespace {

Severity get_severity(const model::Step &warning) {
    return warning.warning.concern == model::Concern::data ? Severity::warning : Severity::notice;
}

Finding make_finding(const model::Step &warning) {
    Finding finding = {get_severity(warning), warning.warning.code, warning.relation,
                       warning.object,        warning.remark,       std::nullopt};
    if (warning.commands.empty()) {
        finding.message += warning.advice.empty() ? "" : ". " + warning.advice;
        return finding;
    }
    std::string text;
    for (const std::string &command : warning.commands) {
        text += (text.empty() ? "" : "; ") + command;
    }
    if (warning.needs_look) {
        finding.message += ". " + warning.advice + ": " + text;
    } else {
        finding.remedy = text;
    }
    return finding;
}

sqltext::Literal make_literal(const catalog::Table &table) {
    return catalog::literal(table.qualified.text());
}

std::string make_repair(const catalog::Table &table) {
    return sqltext::statement("SELECT * FROM softdelete.repair(%1%)", make_literal(table)).text();
}

// What repair() would do, in one finding.
void add_repair(Findings &findings, const catalog::Table &table, const std::vector<std::string> &objects) {
    std::string list;
    for (const std::string &object : objects) {
        list += (list.empty() ? "" : ", ") + object;
    }
    if (!objects.empty()) {
        findings.push_back({Severity::error, "out_of_step", table.oid, "table",
                            "these are not as register() made them: " + list, make_repair(table)});
    }
}

std::vector<std::string> get_objects(const std::vector<model::Step> &steps) {
    std::vector<std::string> objects;
    for (const model::Step &step : steps) {
        if (step.runs() && std::find(objects.begin(), objects.end(), step.object) == objects.end()) {
            objects.push_back(step.object);
        }
    }
    return objects;
}

void add_registration(Findings &findings, pg::Spi &spi, const catalog::Table &table,
                      const registry::Registration &registration, bool counts_rows) {
    registration::TableWork work = registration::begin_work(spi, table, registration, false);
    work.leaves_users_views = true;
    registration::plan_repair(work);
    add_repair(findings, table, get_objects(work.steps));
    pg::UserScope owner(table.owner);
    const std::vector<catalog::Table> together = {table};
    registration::plan_standing_warnings(work, together);
    registration::warn_of_views(work);
    if (counts_rows) {
        registration::warn_of_live_children(work, together);
        registration::warn_of_flags(work);
        registration::warn_of_endless_times(work);
        registration::warn_of_other_columns(work);
    }
    for (const model::Step &step : work.steps) {
        if (step.action == model::Action::warning) {
            findings.push_back(make_finding(step));
        }
    }
    if (counts_rows) {
        add_backfill_findings(findings, spi, table, registration);
    }
}

// Due for longer than two nights: what is due since yesterday waits for tonight.
constexpr TimestampTz patience = 2 * USECS_PER_DAY;

void add_overdue(Findings &findings, const catalog::Table &table, std::uint64_t count, const char *object,
                 const char *one, const char *many) {
    if (count > 0) {
        findings.push_back(
            {Severity::warning, "overdue", table.oid, object,
             std::to_string(count) + " " + (count == 1 ? one : many) + " due for more than two days",
             sqltext::statement("CALL softdelete.purge(%1%)", make_literal(table)).text()});
    }
}

void add_overdue_rows(Findings &findings, pg::Spi &spi, const catalog::Table &table) {
    pg::UserScope owner(table.owner);
    registry::Cutoff cutoff = pg::call([&] { return registry::get_cutoff(table.oid); });
    if (!cutoff.has_retention) {
        return;
    }
    std::uint64_t rows = 0;
    for (const purge::PurgeTarget &target : purge::get_purge_table(spi, table.oid).targets) {
        pg::ReadScope reader(target.owner);
        rows += purge::count_due(target, cutoff.cutoff - patience);
    }
    add_overdue(findings, table, rows, "rows", "row is", "rows are");
}

// Of archives and histories.
constexpr const char *kept_cutoff_query = R"(
    SELECT pg_catalog.now() - k.retention - '2 days'::pg_catalog.interval
    FROM (SELECT relation, retention FROM softdelete_internal.archive WHERE $2::pg_catalog.bool
          UNION ALL SELECT relation, retention FROM softdelete_internal.tracked_table WHERE NOT $2::pg_catalog.bool) AS k
    WHERE k.relation = $1::pg_catalog.oid AND k.retention IS NOT NULL)";

std::optional<std::string> read_kept_cutoff(pg::Spi &spi, Oid relation, bool is_archive) {
    pg::UserScope administrator(pg::get_extension_owner());
    pg::ExactTextScope exact;
    const std::vector<pg::Row> rows = spi.query(kept_cutoff_query, {relation, is_archive});
    return rows.empty() ? std::nullopt : std::optional(rows.front().text(0));
}

// kept: the archive or the history; time: its quoted column.
std::uint64_t count_kept(pg::Spi &spi, const catalog::TableInfo &kept, const std::string &time,
                         const std::string &cutoff) {
    pg::ReadScope reader(kept.owner);
    return static_cast<std::uint64_t>(
        spi.query(sqltext::format("SELECT pg_catalog.count(*) FROM %1% AS k WHERE k.%2% < "
                                  "$1::pg_catalog.timestamptz",
                                  kept.name, time),
                  {cutoff})
            .front()
            .number(0));
}

void add_archive(Findings &findings, pg::Spi &spi, const catalog::Table &table, bool is_attended) {
    const catalog::TableInfo info = catalog::get_table(spi, table.oid);
    if (info.is_between()) { // it has no trigger that moves rows, and views of its own
        findings.push_back(
            {Severity::warning, "between_strategies", table.oid, "strategy",
             "a change of strategy in batches has not ended: some deleted rows are marked, others are in the "
             "archive. Call it again, or with strategy => 'flag' to go back",
             sqltext::statement("CALL softdelete.change_strategy(%1%, 'archive')", make_literal(table))
                 .text()});
        return;
    }
    add_repair(findings, table, archive::find_gaps(spi, table));
    for (const std::string &column : archive::find_former_columns(spi, table)) {
        const sqltext::Identifier name = catalog::identifier(column);
        findings.push_back({Severity::notice, "former_column", table.oid, "column " + name.text(),
                            "the archive has values of a column that its table has not any more, which "
                            "softdelete.anonymize() does not overwrite",
                            sqltext::format("ALTER TABLE %1% DROP COLUMN %2%", info.archive->name, name)});
    }
    if (!info.archive || is_attended) {
        return;
    }
    if (auto cutoff = read_kept_cutoff(spi, table.oid, true)) {
        add_overdue(findings, table,
                    count_kept(spi, catalog::get_archive(info), info.archive->deleted_at, *cutoff),
                    "rows of the archive", "row is", "rows are");
    }
}

// What has become of what the rules name while event triggers were off, or of the functions that they call.
void add_rules(Findings &findings, pg::Spi &spi, const catalog::Table &table) {
    if (!pg::call([] { return registry::has_rows("anonymizer"); })) {
        return;
    }
    for (const catalog::Member &member : table.members) {
        const std::vector<registry::Anonymizer> rules = registry::find_anonymizers(spi, member.oid);
        if (rules.empty()) {
            continue;
        }
        const catalog::TableInfo info = catalog::get_table(spi, member.oid);
        for (const registry::Anonymizer &rule : rules) {
            if (const auto fault = erasure::find_fault(spi, info, rule)) {
                findings.push_back({Severity::error, "unfit_rule", member.oid,
                                    "rule of column " + catalog::identifier(rule.column).text(),
                                    "set_anonymizer() would refuse this rule today: " + *fault,
                                    std::nullopt});
            }
        }
    }
}

void add_history(Findings &findings, pg::Spi &spi, const catalog::Table &table, Oid history,
                 bool is_attended) {
    for (const history::TriggerGap &gap : history::find_trigger_gaps(spi, table.oid)) {
        if (gap.is_missing) {
            findings.push_back({Severity::error, "history_without_trigger", table.oid,
                                "trigger " + gap.trigger,
                                std::string("the table has a history and lacks the trigger that records ")
                                    + (gap.records ? "changes of its rows" : "TRUNCATE"),
                                make_repair(table)});
        }
    }
    for (const rows::GuardGap &gap : history::find_unguarded(spi, table.oid)) {
        findings.push_back({Severity::error, "history_without_guard", table.oid, "history " + gap.name,
                            std::string("the trigger that keeps everybody from writing there ")
                                + (gap.is_missing ? "is gone" : "is disabled"),
                            make_repair(table)});
    }
    auto cutoff = is_attended ? std::nullopt : read_kept_cutoff(spi, table.oid, false);
    if (cutoff) {
        add_overdue(findings, table,
                    count_kept(spi, catalog::get_table(spi, history), history::own_columns[history::at].name,
                               *cutoff),
                    "entries of the history", "entry is", "entries are");
    }
}

} // namespace

bool find_in_table(Findings &findings, pg::Spi &spi, Oid relation, bool counts_rows,
                   const std::set<Oid> &attended) {
    if (!pg::lock_if_there(relation, pg::Lock::access_share)) {
        return false;
    }
    add_guarded(findings, spi, relation, "table", [&] {
        const catalog::Table table = catalog::get_table_definition(spi, relation);
        Findings found;
        if (auto registration = registry::find_registration(spi, relation)) {
            add_registration(found, spi, table, *registration, counts_rows);
            if (!attended.contains(relation)) {
                add_overdue_rows(found, spi, table);
            }
        }
        add_archive(found, spi, table, attended.contains(relation));
        add_rules(found, spi, table);
        return found;
    });
    add_guarded(findings, spi, relation, "history", [&] {
        Findings found;
        const Oid history = history::find_history(spi, relation);
        if (OidIsValid(history)) {
            add_history(found, spi, catalog::get_table_definition(spi, relation), history,
                        attended.contains(history));
        }
        return found;
    });
    return true;
}

} // namespace softdelete::checkup
