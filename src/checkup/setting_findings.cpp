// The findings about settings with which sessions begin: those of the configuration, of the database and of roles, by one
// rule for all settings. Called by checkup/database_findings; checkup/initial_settings says what is in force for whom.
#include "checkup/setting_findings.hpp"

#include "catalog/quoting.hpp"
#include "checkup/initial_settings.hpp"
#include "checkup/kind.hpp"
#include "pg/relations.hpp"

extern "C" {
#include "utils/builtins.h"
}

#include <algorithm>
#include <array>

namespace softdelete::checkup {

namespace {

using Place = InitialValue::Place;

struct SettingKind {
    Severity severity;
    const char *code;
    const char *setting;
    bool (*is_wrong)(const std::string &value);
    const char *message;
    const char *right_value;
};

bool equals(const std::string &value, const char *name) {
    return pg_strcasecmp(value.c_str(), name) == 0;
}

bool is_off(const std::string &value) {
    bool is_on = true;
    return parse_bool(value.c_str(), &is_on) && !is_on;
}

constexpr std::array setting_kinds = {
    SettingKind{
        Severity::error, "event_triggers_off", "event_triggers", is_off,
        "new sessions begin with event_triggers = off: their DDL on registered tables is not followed", "on"},
    SettingKind{Severity::warning, "hard_deletion_by_default", "softdelete.deletion",
                [](const std::string &value) { return equals(value, "hard"); },
                "new sessions begin with softdelete.deletion = hard: what they delete is gone for good",
                "soft"},
    SettingKind{Severity::notice, "visibility_by_default", "softdelete.visibility",
                [](const std::string &value) { return equals(value, "all") || equals(value, "deleted"); },
                "new sessions begin with another softdelete.visibility: their queries see deleted rows",
                "active"},
};

constexpr Kind long_log = {Severity::notice, "log_without_retention", R"(
    SELECT NULL, 'softdelete.deletions', pg_catalog.format('its log has about %s deletions and is kept for ever', c.reltuples::bigint),
           pg_catalog.format('ALTER DATABASE %I SET softdelete.log_retention = ''400d''', pg_catalog.current_database())
    FROM pg_catalog.pg_class c
    WHERE c.oid = 'softdelete_internal.deletion'::pg_catalog.regclass AND c.reltuples > 1000000)"};

// Whose sessions they are, in SQL.
class Target {
public:
    explicit Target(pg::Spi &spi)
        : database_(
            catalog::identifier(spi.query("SELECT pg_catalog.current_database()").front().text(0)).text()) {}

    std::string name(const InitialValue &value) const {
        switch (value.place) {
        case Place::configuration:
            return "configuration";
        case Place::all_roles:
            return "all roles";
        case Place::database:
            return "database " + database_;
        case Place::role:
        case Place::role_in_database:
            return "role " + catalog::identifier(value.role).text();
        }
        return "";
    }

    // What alters it where it is set; the configuration is not this database's alone.
    std::string alter(const InitialValue &value) const {
        switch (value.place) {
        case Place::configuration:
        case Place::database:
            return alter_database();
        case Place::all_roles:
            return "ALTER ROLE ALL";
        case Place::role:
            return "ALTER ROLE " + catalog::identifier(value.role).text();
        case Place::role_in_database:
            return "ALTER ROLE " + catalog::identifier(value.role).text() + " IN DATABASE " + database_;
        }
        return "";
    }

    std::string alter_database() const { return "ALTER DATABASE " + database_; }

    const std::string &database() const { return database_; }

private:
    std::string database_; // quoted
};

Findings find_wrong_values(pg::Spi &spi, const SettingKind &kind) {
    const Target target(spi);
    Findings findings;
    for (const InitialValue &value : read_initial_values(spi, kind.setting)) {
        if (kind.is_wrong(value.value)) {
            const std::string change = value.place == Place::configuration
                                           ? std::string(" SET ") + kind.setting + " = " + kind.right_value
                                           : std::string(" RESET ") + kind.setting;
            findings.push_back({kind.severity, kind.code, std::nullopt, target.name(value), kind.message,
                                target.alter(value) + change});
        }
    }
    return findings;
}

// A server that loads it at its start gives it to all sessions.
Findings find_missing_library(pg::Spi &spi) {
    Findings findings;
    if (pg::names_library(pg::shared_preload_libraries(), library)) {
        return findings;
    }
    const Target target(spi);
    for (const InitialValue &value : read_initial_values(spi, "session_preload_libraries")) {
        if (pg::names_library(value.value, library)) {
            continue;
        }
        const std::string remedy = " SET session_preload_libraries = " + add_library(value.value);
        if (value.role.empty()) {
            findings.push_back(
                {Severity::error, "library_not_loaded", std::nullopt, "database " + target.database(),
                 "new sessions do not load the library: they see deleted rows, and their DELETE is refused",
                 target.alter_database() + remedy});
        } else {
            findings.push_back(
                {Severity::error, "library_overridden", std::nullopt, target.name(value),
                 "its sessions load other libraries and not this one: they see deleted rows, and their "
                 "DELETE is refused",
                 target.alter(value) + remedy});
        }
    }
    return findings;
}

// The purge of the log runs in sessions of any role.
Findings find_long_log(pg::Spi &spi) {
    const std::vector<InitialValue> values = read_initial_values(spi, "softdelete.log_retention");
    const bool is_for_ever = !values.empty() && values.front().value.starts_with('-');
    return is_for_ever ? run_kind(spi, long_log) : Findings();
}

} // namespace

void add_setting_findings(Findings &findings, pg::Spi &spi) {
    add_guarded(findings, spi, std::nullopt, "kind library_not_loaded",
                [&] { return find_missing_library(spi); });
    for (const SettingKind &kind : setting_kinds) {
        add_guarded(findings, spi, std::nullopt, std::string("kind ") + kind.code,
                    [&] { return find_wrong_values(spi, kind); });
    }
    add_guarded(findings, spi, std::nullopt, "kind log_without_retention",
                [&] { return find_long_log(spi); });
}

} // namespace softdelete::checkup
