// Reads pg_db_role_setting and the configuration. Called by the findings about settings, as the extension's owner.
//
// A session whose role, database or client has a value of its own does not know the configuration's: then the files tell.
#include "checkup/initial_settings.hpp"

#include "pg/quote.hpp"
#include "pg/relations.hpp"

namespace softdelete::checkup {

namespace {

using Place = InitialValue::Place;

constexpr const char *own_query = R"(
    SELECT s.setdatabase <> 0, r.rolname, pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1)
    FROM pg_catalog.pg_db_role_setting s
    CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (entry)
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
      AND (s.setrole = 0 OR r.oid IS NOT NULL)
      AND pg_catalog.lower(pg_catalog.split_part(c.entry, '=', 1)) = $1
    ORDER BY r.rolname NULLS FIRST, s.setdatabase)";

constexpr const char *session_query = R"(
    SELECT s.setting, s.boot_val, s.source IN ('default', 'environment variable', 'configuration file', 'command line')
    FROM pg_catalog.pg_settings s WHERE s.name = $1)";

constexpr const char *files_query = R"(
    SELECT f.setting FROM pg_catalog.pg_file_settings f WHERE pg_catalog.lower(f.name) = $1
    ORDER BY f.seqno DESC LIMIT 1)";

} // namespace

std::optional<std::string> read_configuration(pg::Spi &spi, const std::string &setting) {
    const std::vector<pg::Row> rows = spi.query(files_query, {setting});
    return rows.empty() ? std::nullopt : std::optional(rows.front().text_or(0, ""));
}

std::vector<InitialValue> read_initial_values(pg::Spi &spi, const std::string &setting) {
    const std::vector<pg::Row> session = spi.query(session_query, {setting});
    if (session.empty()) {
        return {};
    }
    const pg::Row &own = session.front();
    std::vector<InitialValue> values = {{Place::configuration, "", own.text_or(0, "")}};
    if (!own.boolean(2)) {
        values.front().value = read_configuration(spi, setting).value_or(own.text_or(1, ""));
    }
    for (const pg::Row &row : spi.query(own_query, {setting})) {
        const bool is_of_database = row.boolean(0);
        if (row.is_null(1)) {
            values.front() = {is_of_database ? Place::database : Place::all_roles, "", row.text(2)};
            continue;
        }
        const InitialValue value = {is_of_database ? Place::role_in_database : Place::role, row.text(1),
                                    row.text(2)};
        if (values.back().role == value.role) {
            values.back() = value;
        } else {
            values.push_back(value);
        }
    }
    return values;
}

std::string add_library(const std::string &list) {
    std::string libraries;
    for (const std::string &path : pg::split_libraries(list)) {
        libraries += path == library ? "" : pg::quote_identifier(path) + ", ";
    }
    return libraries + library;
}

} // namespace softdelete::checkup
