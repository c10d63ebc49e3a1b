// Runs the queries that find something, each in a savepoint: what an owner has set up, or a catalog that changes meanwhile,
// must not blind whoever watches all tables. Called by the other files of this folder.
#include "checkup/kind.hpp"

#include "pg/interruptions.hpp"
#include "pg/transactions.hpp"
#include "registry/error_name.hpp"

#include <algorithm>
#include <iterator>

namespace softdelete::checkup {

Findings run_kind(pg::Spi &spi, const Kind &kind, const std::vector<pg::Parameter> &parameters) {
    Findings findings;
    for (const pg::Row &row : spi.query(kind.query, parameters)) {
        findings.push_back({kind.severity, kind.code,
                            row.is_null(0) ? std::nullopt : std::optional(row.oid(0)), row.text(1),
                            row.text(2), row.is_null(3) ? std::nullopt : std::optional(row.text(3))});
    }
    return findings;
}

void add_guarded(Findings &findings, pg::Spi &spi, std::optional<Oid> relation, const std::string &object,
                 const std::function<Findings()> &look) {
    std::optional<pg::ServerError> failure;
    try {
        pg::Subtransaction savepoint;
        Findings found = look();
        savepoint.commit();
        append(findings, std::move(found));
    } catch (pg::ServerError &error) {
        if (pg::ends_command(error)) {
            throw;
        }
        failure.emplace(std::move(error));
    }
    if (failure) {
        findings.push_back(
            {Severity::warning, "not_checked", relation, object,
             "looking for what is wrong here failed: " + registry::name_error(spi, std::move(*failure)),
             std::nullopt});
    }
}

void add_kind(Findings &findings, pg::Spi &spi, const Kind &kind,
              const std::vector<pg::Parameter> &parameters) {
    add_guarded(findings, spi, std::nullopt, std::string("kind ") + kind.code,
                [&] { return run_kind(spi, kind, parameters); });
}

void append(Findings &findings, Findings more) {
    std::move(more.begin(), more.end(), std::back_inserter(findings));
}

} // namespace softdelete::checkup
