// Warns where DDL would not be followed, because our event triggers are off: asks the catalog, and the setting that
// servers from 17 on have. Called by register() and repair().
#include "registration/event_trigger_state.hpp"

namespace softdelete::registration {

std::optional<std::string> find_event_trigger_gap(pg::Spi &spi) {
    bool is_off =
        !spi.query("SELECT WHERE pg_catalog.current_setting('event_triggers', true) = 'off'").empty();
    if (is_off) {
        return "event_triggers is off: DDL on registered tables is not followed";
    }
    auto names = spi.query_kept(
        "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(evtname), ', ' ORDER BY evtname)"
        " FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'A' AND evtname IN"
        " ('softdelete_ddl_command_start', 'softdelete_ddl_command_end', 'softdelete_sql_drop')");
    if (names.front().is_null(0)) {
        return std::nullopt;
    }
    return "event triggers are not enabled ALWAYS, and DDL on registered tables is not followed: "
           + names.front().text(0);
}

} // namespace softdelete::registration
