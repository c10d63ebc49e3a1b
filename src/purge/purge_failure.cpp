// Warns of a table that a run had to leave. Called by purge/purge_rows.
#include "purge/purge_failure.hpp"

#include "pg/quote.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "miscadmin.h"
}

namespace softdelete::purge {

// The text may quote a row, which the server's log is not to keep: it goes to the client alone.
void tell_failure(const catalog::TableInfo &table, const std::string &sqlstate, const std::string &message) {
    std::string text = sqltext::format("could not purge table %1%: %2%", table.title, message);
    bool is_worker = pg::call([&] {
        ereport(WARNING_CLIENT_ONLY,
                (errmsg("%s", text.c_str()), errhint("SELECT * FROM softdelete.purge_log WHERE state = "
                                                     "'failed' keeps its SQLSTATE and what it names.")));
        return MyBackendType == B_BG_WORKER;
    });
    if (is_worker) {
        pg::warn(sqltext::format("could not purge table %1%: SQLSTATE %2%", table.title, sqlstate),
                 sqltext::format("CALL softdelete.purge(%1%) says why.", pg::quote_literal(table.name)));
    }
}

} // namespace softdelete::purge
