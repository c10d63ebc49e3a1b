// check(): which tables the caller may look at, and the findings about them, the worst first. Called by api/checkup.
#include "checkup/check.hpp"

#include "catalog/table_info.hpp"
#include "checkup/catalog_findings.hpp"
#include "checkup/database_findings.hpp"
#include "checkup/kind.hpp"
#include "checkup/table_findings.hpp"
#include "model/warning.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registry/registered_names.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

namespace softdelete::checkup {

namespace {

// The database's owner and monitors see names and counts of all tables, but no value.
constexpr const char *watcher_query = "SELECT pg_catalog.pg_has_role('pg_monitor', 'USAGE')"
                                      " OR pg_catalog.pg_has_role('pg_database_owner', 'USAGE')";

constexpr const char *tables_query = R"(
    SELECT t.relation::pg_catalog.oid
    FROM softdelete.tables t JOIN pg_catalog.pg_class c ON c.oid = t.relation
    WHERE $1::pg_catalog.bool OR pg_catalog.pg_has_role(c.relowner, 'USAGE')
    ORDER BY t.registered_at, t.relation)";

// Tables with a history, registered or not. $1: whether the caller watches all; $2: the caller.
constexpr const char *tracked_query = R"(
    SELECT t.relation::pg_catalog.oid
    FROM softdelete_internal.tracked_table t JOIN pg_catalog.pg_class c ON c.oid = t.relation
    WHERE $1::pg_catalog.bool OR pg_catalog.pg_has_role($2::pg_catalog.oid, c.relowner, 'USAGE')
    ORDER BY t.relation)";

// Whose due rows a purge has looked at within the last two days: its log says what is wrong.
constexpr const char *attended_query = R"(
    SELECT DISTINCT r.relation::pg_catalog.oid FROM softdelete_internal.purge_run r
    WHERE r.started_at > pg_catalog.now() - '2 days'::pg_catalog.interval)";

std::set<Oid> find_attended(pg::Spi &spi) {
    pg::UserScope administrator(pg::get_extension_owner());
    std::set<Oid> tables;
    for (const pg::Row &row : spi.query(attended_query)) {
        tables.insert(row.oid(0));
    }
    return tables;
}

std::vector<Oid> find_tables(pg::Spi &spi, bool watches_all) {
    std::vector<Oid> tables;
    for (const pg::Row &row : spi.query(tables_query, {watches_all})) {
        tables.push_back(row.oid(0));
    }
    return tables;
}

bool contains(const std::vector<Oid> &tables, Oid table) {
    return std::find(tables.begin(), tables.end(), table) != tables.end();
}

void check_watched(const catalog::TableInfo &table, const std::vector<Oid> &tables) {
    if (!contains(tables, table.relation)) {
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = "must be owner of table " + table.title.substr(1, table.title.size() - 2),
                   .hint = "Its owner, the owner of the database and members of pg_monitor may check it.",
                   .relation = table.relation});
    }
}

std::vector<Oid> find_tracked(pg::Spi &spi, bool watches_all, Oid caller) {
    pg::UserScope administrator(pg::get_extension_owner());
    std::vector<Oid> tables;
    for (const pg::Row &row : spi.query(tracked_query, {watches_all, caller})) {
        tables.push_back(row.oid(0));
    }
    return tables;
}

constexpr const char *owners_query = R"(
    SELECT c.oid, c.relowner FROM pg_catalog.unnest($1) WITH ORDINALITY AS t (relation, place)
    JOIN pg_catalog.pg_class c ON c.oid = t.relation ORDER BY t.place)";

std::vector<pg::Subject> find_owners(pg::Spi &spi, const std::vector<Oid> &tables) {
    std::vector<std::string> list;
    for (Oid table : tables) {
        list.push_back(std::to_string(table));
    }
    std::vector<pg::Subject> subjects;
    for (const pg::Row &row : spi.query(owners_query, {pg::Parameter(pg::make_array(list), OIDARRAYOID)})) {
        subjects.push_back({row.oid(0), row.oid(1)});
    }
    return subjects;
}

// What a look at another table says of the keys of one that is looked at itself: its own finding has all its keys.
void drop_keys_of_others(pg::Spi &spi, Findings &findings, std::size_t first, Oid looked_at,
                         const std::vector<Oid> &tables) {
    const auto is_said_there = [&](const Finding &finding) {
        if (finding.code != model::warning::missing_key_index.code || finding.relation == looked_at) {
            return false;
        }
        const std::optional<Oid> root = registry::find_registered_root(spi, *finding.relation);
        return root && *root != looked_at && contains(tables, *root);
    };
    findings.erase(
        std::remove_if(findings.begin() + static_cast<std::ptrdiff_t>(first), findings.end(), is_said_there),
        findings.end());
}

} // namespace

const char *to_text(Severity severity) {
    switch (severity) {
    case Severity::error:
        return "error";
    case Severity::warning:
        return "warning";
    case Severity::notice:
        return "notice";
    }
    return "";
}

Findings check(std::optional<Oid> relation) {
    pg::call([] { session::check_version(); });
    pg::Spi spi;
    spi.keep_answers();
    const bool watches_all = spi.query(watcher_query).front().boolean(0);
    const Oid caller = pg::call([] { return GetUserId(); });
    std::optional<catalog::TableInfo> named;
    if (relation) {
        named = catalog::find_soft_table(spi, *relation); // and locks it, before the others are looked for
    }
    std::vector<Oid> registered = find_tables(spi, watches_all);
    std::vector<Oid> tracked = find_tracked(spi, watches_all, caller);
    Findings findings;
    if (named) {
        check_watched(*named, registered);
        registered = {named->relation};
        tracked = contains(tracked, registered.front()) ? registered : std::vector<Oid>();
    } else {
        findings = find_in_database(spi, caller, watches_all);
    }
    append(findings, find_in_catalogs(spi, registered, tracked));
    const std::set<Oid> attended = find_attended(spi);
    std::vector<Oid> tables = registered;
    std::copy_if(tracked.begin(), tracked.end(), std::back_inserter(tables),
                 [&](Oid table) { return !contains(registered, table); });
    spi.set_subjects(find_owners(spi, tables));
    for (Oid table : tables) {
        const std::size_t first = findings.size();
        if (!find_in_table(findings, spi, table, relation.has_value(), attended)) {
            std::erase_if(findings, [&](const Finding &finding) { return finding.relation == table; });
        } else {
            drop_keys_of_others(spi, findings, first, table, registered);
        }
    }
    // Two tables say the same of the key between them.
    std::set<std::tuple<std::string, std::optional<Oid>, std::string, std::optional<std::string>>> seen;
    std::erase_if(findings, [&](const Finding &finding) {
        return !seen.emplace(finding.code, finding.relation, finding.object, finding.remedy).second;
    });
    std::stable_sort(findings.begin(), findings.end(), [](const Finding &left, const Finding &right) {
        return left.severity < right.severity;
    });
    return findings;
}

} // namespace softdelete::checkup
