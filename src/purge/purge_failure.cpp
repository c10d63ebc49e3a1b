// Tells of a table that a run had to leave, and of rows. Called by purge/purge_rows.
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

void refuse_second_run(const catalog::TableInfo &table, bool is_named) {
    std::string message = sqltext::format("table %1% is being purged by another session", table.title);
    if (is_named) {
        pg::raise({.sqlstate = ERRCODE_LOCK_NOT_AVAILABLE,
                   .message = message,
                   .hint = "SELECT * FROM softdelete.purge_log WHERE state = 'running' shows how far it is.",
                   .relation = table.relation});
    }
    pg::notice(message);
}

void tell_what_stays(const catalog::TableInfo &table, const registry::PurgeCounts &counts) {
    if (counts.held + counts.blocked == 0) {
        return;
    }
    std::string reasons;
    for (const auto &[name, count] : counts.blockers) {
        reasons += sqltext::format("%1%%2% (%3%)", (reasons.empty() ? ": " : ", "), name, count);
    }
    pg::notice(sqltext::format("table %1%: removed %2%, held %3%, blocked %4%%5%", table.title,
                               counts.removed, counts.held, counts.blocked, reasons));
}

} // namespace softdelete::purge
