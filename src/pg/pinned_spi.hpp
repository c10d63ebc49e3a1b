// What an event trigger needs to run statements of its own: names and definitions that do not depend on what the user's
// session has set, as the functions of the extension pin them.
#pragma once

#include "pg/scopes.hpp"
#include "pg/spi.hpp"

namespace softdelete::pg {

class DdlSession {
public:
    DdlSession() {
        settings_.set("search_path", "pg_catalog, pg_temp");
        settings_.set("quote_all_identifiers", "off");
        settings_.set("IntervalStyle", "postgres");
        settings_.set("default_tablespace", "");
    }

    Spi &spi() { return spi_; }

private:
    SettingScope settings_;
    Spi spi_;
};

} // namespace softdelete::pg
