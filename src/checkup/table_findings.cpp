// The findings of check() that take a closer look at one table: steps that repair() would take, what register() would warn
// of today, retentions that nobody acts on, rows that are overdue. Works with the parts of registration, as the table's
// owner. Called by checkup/check, table by table.
#include "checkup/table_findings.hpp"

#include "catalog/quoting.hpp"
#include "pg/interruptions.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "purge/purge_tables.hpp"
#include "registration/bring_in_step.hpp"
#include "registration/plan_parts.hpp"
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
    finding.remedy = text;
    return finding;
}

sqltext::Literal make_literal(const catalog::Table &table) {
    return catalog::literal(table.qualified.text());
}

// What repair() would do, in one finding.
void add_repair(Findings &findings, const registration::TableWork &work) {
    std::string objects;
    for (const model::Step &step : work.steps) {
        if (step.runs() && objects.find(step.object) == std::string::npos) {
            objects += (objects.empty() ? "" : ", ") + step.object;
        }
    }
    if (!objects.empty()) {
        findings.push_back(
            {Severity::error, "out_of_step", work.table.oid, "table",
             "these are not as register() made them: " + objects,
             sqltext::statement("SELECT * FROM softdelete.repair(%1%)", make_literal(work.table)).text()});
    }
}

void add_registration(Findings &findings, pg::Spi &spi, const catalog::Table &table,
                      const registry::Registration &registration, bool counts_rows) {
    registration::TableWork work = registration::begin_work(spi, table, registration, false);
    work.leaves_users_views = true;
    registration::plan_repair(work);
    add_repair(findings, work);
    pg::UserScope owner(table.owner);
    const std::vector<catalog::Table> together = {table};
    registration::plan_standing_warnings(work, together);
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
}

// Due for longer than two nights: what is due since yesterday waits for tonight.
constexpr TimestampTz patience = 2 * USECS_PER_DAY;

void add_overdue(Findings &findings, pg::Spi &spi, const catalog::Table &table) {
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
    if (rows > 0) {
        findings.push_back(
            {Severity::warning, "overdue", table.oid, "rows",
             std::to_string(rows) + (rows == 1 ? " row is" : " rows are") + " due for more than two days",
             sqltext::statement("CALL softdelete.purge(%1%)", make_literal(table)).text()});
    }
}

} // namespace

Findings find_in_table(pg::Spi &spi, Oid relation, bool counts_rows, bool is_attended) {
    Findings findings;
    try {
        pg::Subtransaction savepoint;
        const catalog::Table table = catalog::get_table_definition(spi, relation);
        if (auto registration = registry::find_registration(spi, relation)) {
            add_registration(findings, spi, table, *registration, counts_rows);
            if (!is_attended) {
                add_overdue(findings, spi, table);
            }
        }
        savepoint.commit();
    } catch (const pg::ServerError &error) {
        if (pg::is_interruption(error)) {
            throw;
        }
        const sqltext::Statement remedy =
            sqltext::statement("SELECT * FROM softdelete.repair(%1%)",
                               catalog::literal(catalog::get_qualified_name(spi, relation).text()));
        findings.push_back({Severity::error, "out_of_step", relation, "table",
                            "it could not be checked: " + std::string(error.message()), remedy.text()});
    }
    return findings;
}

} // namespace softdelete::checkup
