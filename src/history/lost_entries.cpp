// Called by erase(), for what its entry in the log says that it did not reach. Who looks for entries by a key
// (history/row_lives) finds neither those that have no value of it, nor those of a value that a row had before it became a key.
#include "history/lost_entries.hpp"

#include "history/check_tracking.hpp"
#include "history/own_columns.hpp"
#include "pg/scopes.hpp"
#include "sqltext/format.hpp"

namespace softdelete::history {

namespace {

// The columns of a key that is younger than the history. OIDs tell which came first: where they have begun anew, or a dump has
// made the key last, it may be none that was changed, and has no such entries.
constexpr const char *key_query = R"(
    SELECT pg_catalog.quote_ident(h.attname), h.attnum
    FROM pg_catalog.pg_constraint k
    CROSS JOIN LATERAL pg_catalog.unnest(k.conkey) AS c (number)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.number
    JOIN pg_catalog.pg_attribute h ON h.attrelid = $2::pg_catalog.oid AND h.attname = a.attname AND NOT h.attisdropped
    WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'p' AND k.oid > $2::pg_catalog.oid
    ORDER BY h.attnum)";

bool has_lost_entries(pg::Spi &spi, const catalog::TableInfo &table, const catalog::TableInfo &history) {
    std::string conditions;
    for (const pg::Row &row : spi.query(key_query, {table.relation, history.relation})) {
        std::int64_t bit = row.number(1) - own_column_count - 1; // as history/changed_columns counts
        conditions += sqltext::format(
            "%1%t.%2% IS NULL OR (t.history_kind <> 'K' AND t.history_other_key IS NULL AND CASE WHEN "
            "pg_catalog.octet_length(t.history_changed) * 8 >= %3% THEN "
            "pg_catalog.get_bit(t.history_changed, "
            "%4%) = 1 ELSE false END)",
            (conditions.empty() ? "" : " OR "), row.text(0), bit + 1, bit);
    }
    if (conditions.empty()) {
        return false;
    }
    pg::OwnerScope owner(history.owner);
    return !spi.query(sqltext::format("/* softdelete */ SELECT FROM %1% AS t WHERE %2% LIMIT 1", history.name,
                                      conditions))
                .empty();
}

} // namespace

std::vector<std::string> find_lost_entries(pg::Spi &spi, const std::map<Oid, SubjectKeys> &subjects) {
    std::vector<std::string> found;
    for (const auto &[relation, subject] : subjects) {
        Oid history = find_history(spi, subject.table.relation);
        if (!OidIsValid(history)) {
            continue;
        }
        catalog::TableInfo entries = catalog::get_table(spi, history);
        if (has_lost_entries(spi, subject.table, entries)) {
            found.push_back(
                sqltext::format("entries of %1% from before its table got this primary key", entries.name));
        }
    }
    return found;
}

} // namespace softdelete::history
