// The triggers of a partition into which the executor routes a row are those that it has itself: none can be left out there. So
// each partition gets a statement of its own. Called by archive/move_rows and archive/move_batch.
#include "archive/write_moved.hpp"

#include "pg/scopes.hpp"
#include "session/extension_functions.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

namespace softdelete::archive {

namespace {

// Those of the table, or the table itself, each with what its rows are like; no condition for a table alone.
constexpr const char *leaves_query = R"(
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_get_partition_constraintdef(
               CASE WHEN c.oid <> $1::pg_catalog.oid THEN c.oid END)
    FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) t
    JOIN pg_catalog.pg_class c ON c.oid = t.relid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE t.isleaf AND c.relkind = 'r'
    UNION ALL
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), NULL
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1::pg_catalog.oid AND NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid))
    ORDER BY 2)";

// The bounds stand in the conditions as texts, which are read in whatever settings the session has.
pg::Rows find_leaves(pg::Spi &spi, Oid table) {
    pg::ExactTextScope exact;
    return spi.query(leaves_query, {table});
}

// A history is told: what it says of the time before stays true.
class AllButHistory : public session::TriggerAnswers {
public:
    bool is_answered(Relation, const Trigger &trigger) override {
        const session::ExtensionFunctions *functions = session::find_extension_functions();
        return functions == nullptr || trigger.tgfoid != functions->on_history_change;
    }
};

std::uint64_t write(pg::Spi &spi, Oid owner, Oid table, CmdType command, const std::string &statement,
                    const std::vector<pg::Parameter> &parameters) {
    AllButHistory others;
    pg::OwnerScope scope(owner);
    session::OwnStatement own(statement, {.notes = session::note_removal | session::note_logged,
                                          .skipped = {&others, command, table, true},
                                          .runs_as_called = true,
                                          .fires_at_once = true,
                                          .moves_deleted = true});
    return spi.execute(statement, parameters);
}

// SQL: the rows as they are to be written.
std::string make_moved(const MovedRows &rows) {
    return sqltext::format("(SELECT %1% FROM %2%) AS \"softdelete.moved\" (%3%)", rows.values, rows.source,
                           rows.columns);
}

// The places of those that get rows, by one look at the rows: of many partitions a batch reaches a few.
std::vector<std::size_t> find_reached(pg::Spi &spi, Oid owner, const MovedRows &rows, const pg::Rows &leaves,
                                      const std::vector<pg::Parameter> &parameters) {
    constexpr std::size_t most_columns = 1600; // of a SELECT
    std::vector<std::size_t> reached;
    if (leaves.size() == 1 || leaves.size() > most_columns) {
        for (std::size_t i = 0; i < leaves.size(); i++) {
            reached.push_back(i);
        }
        return reached;
    }
    std::string conditions;
    for (const pg::Row &leaf : leaves) {
        conditions += (conditions.empty() ? "" : ", ")
                      + (leaf.is_null(2) ? "true" : sqltext::format("pg_catalog.bool_or(%1%)", leaf.text(2)));
    }
    pg::ReadScope reader(owner);
    const pg::Rows found = spi.query(
        sqltext::format("/* softdelete */ SELECT %1% FROM %2%", conditions, make_moved(rows)), parameters);
    for (std::size_t i = 0; i < leaves.size(); i++) {
        if (!found.front().is_null(i) && found.front().boolean(i)) {
            reached.push_back(i);
        }
    }
    return reached;
}

} // namespace

std::uint64_t insert_moved(pg::Spi &spi, Oid owner, const MovedRows &rows,
                           const std::vector<pg::Parameter> &parameters) {
    std::uint64_t count = 0;
    const pg::Rows leaves = find_leaves(spi, rows.target);
    for (std::size_t place : find_reached(spi, owner, rows, leaves, parameters)) {
        const pg::Row &leaf = leaves[place];
        const std::string of_leaf = leaf.is_null(2) ? "" : " WHERE " + leaf.text(2);
        count += write(
            spi, owner, leaf.oid(0), CMD_INSERT,
            sqltext::format("%1% INSERT INTO %2% (%3%) OVERRIDING SYSTEM VALUE SELECT %3% FROM %4%%5%",
                            session::removal_text, leaf.text(1), rows.columns, make_moved(rows), of_leaf),
            parameters);
    }
    return count;
}

std::uint64_t delete_moved(pg::Spi &spi, Oid owner, Oid table, const std::string &condition,
                           const std::vector<pg::Parameter> &parameters) {
    const std::string name =
        spi.query("SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c JOIN "
                  "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::pg_catalog.oid",
                  {table})
            .front()
            .text(0);
    return write(
        spi, owner, table, CMD_DELETE,
        sqltext::format("%1% DELETE FROM %2% AS t WHERE %3%", session::removal_text, name, condition),
        parameters);
}

} // namespace softdelete::archive
