// Warns where DDL would not be followed, because our event triggers are off: asks the catalog, and the setting that
// servers from 17 on have. Called by register() and repair(); check() asks for the triggers, and for the setting with which
// other sessions begin.
#include "registration/event_trigger_state.hpp"

namespace softdelete::registration {

namespace {

constexpr const char *disabled_event_triggers_query = R"(
    SELECT pg_catalog.quote_ident(e.evtname)
    FROM pg_catalog.pg_event_trigger e
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = e.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_extension x ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND x.oid = d.refobjid
    WHERE x.extname = 'softdelete' AND e.evtenabled <> 'A'
    ORDER BY e.evtname)";

} // namespace

std::vector<std::string> find_disabled_event_triggers(pg::Spi &spi) {
    std::vector<std::string> names;
    for (const pg::Row &row : spi.query_kept(disabled_event_triggers_query)) {
        names.push_back(row.text(0));
    }
    return names;
}

std::optional<std::string> find_event_trigger_gap(pg::Spi &spi) {
    bool is_off =
        !spi.query("SELECT WHERE pg_catalog.current_setting('event_triggers', true) = 'off'").empty();
    if (is_off) {
        return "event_triggers is off: DDL on registered tables is not followed";
    }
    std::string names;
    for (const std::string &name : find_disabled_event_triggers(spi)) {
        names += (names.empty() ? "" : ", ") + name;
    }
    if (names.empty()) {
        return std::nullopt;
    }
    return "event triggers are not enabled ALWAYS, and DDL on registered tables is not followed: " + names;
}

} // namespace softdelete::registration
