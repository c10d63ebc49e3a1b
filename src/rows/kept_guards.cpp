// Finds archives, histories and partitions of them whose guard DDL without event triggers has taken away or disabled. Called by repair()
// and check() of both, which live in archive/ and history/.
#include "rows/kept_guards.hpp"

#include "model/trigger_names.hpp"
#include "sqltext/format.hpp"

namespace softdelete::rows {

namespace {

constexpr const char *gaps_query = R"(
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), g.oid IS NULL
    FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
    JOIN pg_catalog.pg_class c ON c.oid = p.relid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN (pg_catalog.pg_trigger g
               JOIN pg_catalog.pg_proc f ON f.oid = g.tgfoid AND f.proname = 'on_kept_table'
               JOIN pg_catalog.pg_namespace o ON o.oid = f.pronamespace AND o.nspname = 'softdelete_internal')
        ON g.tgrelid = c.oid AND g.tgname = $2::pg_catalog.name
    WHERE g.oid IS NULL OR g.tgenabled NOT IN ('O', 'A')
    ORDER BY p.level, 2)";

} // namespace

std::vector<GuardGap> find_guard_gaps(pg::Spi &spi, Oid root) {
    std::vector<GuardGap> gaps;
    for (const pg::Row &row : spi.query_kept(gaps_query, {root, model::kept_trigger})) {
        GuardGap gap = {row.oid(0), row.text(1), row.boolean(2), {}};
        if (gap.is_missing) {
            gap.commands = {
                sqltext::format(
                    "CREATE TRIGGER %1% BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %2% FOR EACH "
                    "STATEMENT EXECUTE FUNCTION softdelete_internal.on_kept_table()",
                    model::kept_trigger, gap.name),
                sqltext::format("ALTER TRIGGER %1% ON %2% DEPENDS ON EXTENSION softdelete",
                                model::kept_trigger, gap.name)};
        } else {
            gap.commands = {
                sqltext::format("ALTER TABLE ONLY %2% ENABLE TRIGGER %1%", model::kept_trigger, gap.name)};
        }
        gaps.push_back(std::move(gap));
    }
    return gaps;
}

} // namespace softdelete::rows
