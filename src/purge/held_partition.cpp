// To drop a partition with a row on hold is out of the question, and to delete a million others one by one takes ten times as
// long as to drop them. So the few that stay are kept in memory while the partition is truncated: that locks the partition
// alone, into which nobody deletes any more but a transaction as old as the retention.
#include "purge/held_partition.hpp"

#include "holds/held_rows.hpp"
#include "pg/scopes.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

namespace softdelete::purge {

namespace {

using catalog::TableInfo;
using rows::RowSet;

constexpr std::size_t most_rows = 10000;
constexpr std::int64_t most_bytes = 64L * 1024 * 1024;

// As its own table or by one that it is a partition of. A subscriber would get what is put back a second time, or be left
// without what it was to keep: not each publication sends TRUNCATE, nor that of a partition.
constexpr const char *published_query = R"(
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_partition_ancestors($1::pg_catalog.oid) a
        JOIN pg_catalog.pg_class c ON c.oid = a.relid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_publication_tables t ON t.schemaname = n.nspname AND t.tablename = c.relname
        JOIN pg_catalog.pg_publication p ON p.pubname = t.pubname AND (p.pubtruncate OR p.pubinsert)))";

TableInfo get_partition(const TableInfo &archive, const ArchivePartition &partition) {
    TableInfo part = archive;
    part.relation = partition.relation;
    part.name = partition.name;
    part.is_partitioned = false;
    part.has_children = false;
    return part;
}

std::int64_t count_bytes(pg::Spi &spi, const TableInfo &part, const RowSet &rows) {
    pg::ReadScope scope(part.owner);
    return spi
        .query(sqltext::format("SELECT coalesce(pg_catalog.sum(pg_catalog.pg_column_size(t.*)), 0) FROM %1% "
                               "AS t WHERE %2%",
                               part.name, rows::make_membership(part, "t", 1)),
               {rows.tables(), rows.positions()})
        .front()
        .number(0);
}

std::uint64_t count_rows(pg::Spi &spi, const TableInfo &part) {
    pg::ReadScope scope(part.owner);
    return static_cast<std::uint64_t>(
        spi.query("SELECT pg_catalog.count(*) FROM " + part.name).front().number(0));
}

// A former run may have left those on hold alone.
bool has_others(pg::Spi &spi, const TableInfo &part, const RowSet &held) {
    pg::ReadScope scope(part.owner);
    return spi
        .query(sqltext::format("SELECT EXISTS (SELECT FROM %1% AS t WHERE %2%)", part.name,
                               rows::make_exclusion("t", 1)),
               {held.tables(), held.positions()})
        .front()
        .boolean(0);
}

// As one value: an array of rows.
std::vector<pg::Parameter> read_rows(pg::Spi &spi, const TableInfo &part, const RowSet &rows) {
    pg::OwnerScope owner(part.owner);
    return spi.query_values(sqltext::format("SELECT pg_catalog.array_agg(t.*) FROM %1% AS t WHERE %2%",
                                            part.name, rows::make_membership(part, "t", 1)),
                            {rows.tables(), rows.positions()});
}

void put_back(pg::Spi &spi, const TableInfo &part, const std::vector<pg::Parameter> &rows,
              std::size_t count) {
    std::string statement = sqltext::format("%1% INSERT INTO %2% SELECT x.* FROM pg_catalog.unnest($1) AS x",
                                            session::removal_text, part.name);
    session::OwnStatement own(statement, {.notes = session::note_removal});
    pg::OwnerScope owner(part.owner);
    if (spi.execute(statement, rows) != count) {
        pg::raise({.sqlstate = ERRCODE_INTERNAL_ERROR,
                   .message = sqltext::format("rows on hold did not stay in %1%", part.name),
                   .detail = "Nothing was removed."});
    }
}

} // namespace

RowSet find_held_in_archive(pg::Spi &spi, const TableInfo &archive) {
    return holds::find_all_held_rows(spi, archive);
}

RowSet restrict_to_partition(const RowSet &rows, const ArchivePartition &partition) {
    RowSet found;
    for (const rows::RowId &row : rows.ids()) {
        if (row.table == partition.relation) {
            found.add(row);
        }
    }
    return found;
}

bool may_put_back(pg::Spi &spi, const TableInfo &archive, const ArchivePartition &partition,
                  const RowSet &held) {
    return held.size() <= most_rows && !spi.query(published_query, {partition.relation}).front().boolean(0)
           && count_bytes(spi, get_partition(archive, partition), held) <= most_bytes;
}

Emptied empty_around_held(pg::Spi &spi, const TableInfo &archive, const ArchivePartition &partition,
                          const RowSet &known) {
    const TableInfo part = get_partition(archive, partition);
    if (!has_others(spi, part, known)) {
        return {0, known.size()};
    }
    session::OwnDdlScope own_ddl;
    {
        pg::UserScope owner(part.owner);
        spi.execute(sqltext::format("LOCK TABLE ONLY %1% IN ACCESS EXCLUSIVE MODE", part.name));
    }
    const RowSet held = restrict_to_partition(find_held_in_archive(spi, archive), partition);
    const std::uint64_t count = count_rows(spi, part);
    const std::vector<pg::Parameter> rows =
        held.empty() ? std::vector<pg::Parameter>() : read_rows(spi, part, held);
    {
        pg::UserScope owner(part.owner);
        spi.execute("TRUNCATE " + part.name);
    }
    if (!held.empty()) {
        put_back(spi, part, rows, held.size());
    }
    return {count - held.size(), held.size()};
}

} // namespace softdelete::purge
