// References with the same values are asked about once. Called by erasure/archived_copies.
#include "erasure/key_holders.hpp"

#include "erasure/holder_choice.hpp"
#include "history/check_tracking.hpp"
#include "history/recorded_references.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registry/deletion_ids.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

#include <map>
#include <set>

namespace softdelete::erasure {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;
using history::Stretch;
using rows::RowId;
using rows::RowSet;

struct Archived {
    Stretch held;
    Filing filing;
};

// Those of the deletions that have archived rows of the table which their own transaction had written.
std::set<std::int64_t> find_with_new_rows(pg::Spi &spi, const TableInfo &table) {
    std::set<std::int64_t> found;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row :
         spi.query_kept("SELECT deletion_id FROM softdelete_internal.deletion_table WHERE "
                        "relation = $1::pg_catalog.oid AND has_new_rows",
                        {table.relation})) {
        found.insert(row.number(0));
    }
    return found;
}

std::map<RowId, Archived> read_archived(pg::Spi &spi, const TableInfo &table, const RowSet &rows) {
    std::map<RowId, Archived> archived;
    const std::set<std::int64_t> with_new_rows = find_with_new_rows(spi, table);
    const TableInfo archive = catalog::get_archive(table);
    const std::string query =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid, coalesce(%3%, 0), CAST(t.%4% AS "
                        "pg_catalog.timestamptz) FROM %1% AS t WHERE %2%",
                        archive.name, rows::make_membership(archive, "t", 1),
                        registry::make_deletion_of("t.deletion_id"), table.archive->deleted_at);
    pg::OwnerScope owner(archive.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        const TimestampTz at = pg::read_time(row.text_or(3, "infinity"));
        Archived &its = archived[rows::read_row_id(row)];
        its.held.own = its.held.until = {at, at, 0};
        its.held.is_end = true;
        its.filing = {row.number(2), with_new_rows.contains(row.number(2))};
    }
    return archived;
}

std::map<RowId, Reference> read_references(pg::Spi &spi, const TableInfo &table, Place place,
                                           const RowSet &rows) {
    std::map<RowId, Reference> references;
    if (place == Place::history) {
        for (const auto &[entry, stretch] : history::read_stretches(spi, table, rows)) {
            references[entry] = {stretch.own, true, {stretch.deletion}};
        }
        return references;
    }
    const std::map<RowId, Stretch> ends = history::find_archived_ends(spi, table, rows);
    for (const auto &[row, archived] : read_archived(spi, table, rows)) {
        const auto end = ends.find(row);
        references[row] = {end == ends.end() ? archived.held.own : end->second.own, end != ends.end(),
                           archived.filing};
    }
    return references;
}

// By their values, as text: one of each, and all that have them.
std::map<RowId, std::vector<RowId>> group_by_values(pg::Spi &spi, const TableInfo &place,
                                                    const std::vector<std::string> &columns,
                                                    const RowSet &rows) {
    std::map<std::string, std::vector<RowId>> groups;
    std::vector<std::string> complete;
    for (const std::string &column : columns) {
        complete.push_back("t." + column + " IS DISTINCT FROM NULL");
    }
    const std::string query = sqltext::format(
        "/* softdelete */ SELECT t.tableoid, t.ctid, CAST(ROW(t.%1%) AS pg_catalog.text) FROM "
        "%2% AS t WHERE %3% AND %4% AND %5%",
        sqltext::join(columns, ", t."), place.name, rows::see_all(place, "t"),
        rows::make_membership(place, "t", 1), sqltext::join(complete, " AND "));
    pg::OwnerScope owner(place.owner);
    pg::ExactTextScope exact;
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        groups[row.text(2)].push_back(rows::read_row_id(row));
    }
    std::map<RowId, std::vector<RowId>> picked;
    for (auto &[values, members] : groups) {
        picked.emplace(members.front(), std::move(members));
    }
    return picked;
}

class HolderReader {
public:
    HolderReader(pg::Spi &spi, const ForeignKey &key, Place children,
                 const std::function<bool(const RowId &)> &is_known)
        : spi_(spi)
        , key_(key)
        , children_(children)
        , is_known_(is_known) {}

    // Of references, one for each value, by these.
    std::map<RowId, Holders> read(const RowSet &references) {
        for (Place parents : {Place::table, Place::archive, Place::history}) {
            add(parents, references);
        }
        for (auto &[reference, holders] : found_) {
            holders = unite(holders);
        }
        return std::move(found_);
    }

private:
    void add(Place parents, const RowSet &references) {
        const std::optional<ForeignKey> step = find_step(spi_, key_, parents, children_);
        if (!step) {
            return;
        }
        const std::vector<rows::RowLink> links = rows::find_parents(spi_, *step, references);
        RowSet all;
        for (const rows::RowLink &link : links) {
            all.add(link.parent);
        }
        const std::map<RowId, Archived> held = read_held(parents, all);
        for (const rows::RowLink &link : links) {
            const auto its = held.find(link.parent);
            const bool is_told = its != held.end();
            found_[link.child].push_back({is_told ? its->second.held : Stretch(),
                                          is_told ? its->second.filing : Filing(),
                                          is_told && parents != Place::archive, is_known_(link.parent)});
        }
    }

    std::map<RowId, Archived> read_held(Place parents, const RowSet &rows) {
        std::map<RowId, Archived> held;
        if (rows.empty()) {
            return held;
        }
        if (parents == Place::archive) {
            return read_archived(spi_, key_.parent, rows);
        }
        if (parents == Place::history) {
            for (const auto &[entry, stretch] : history::read_stretches(spi_, key_.parent, rows)) {
                held[entry] = {stretch, {stretch.deletion}};
            }
            return held;
        }
        for (const auto &[row, change] : history::find_last_changes(spi_, key_.parent, rows)) {
            held[row].held.from = change;
        }
        return held;
    }

    pg::Spi &spi_;
    const ForeignKey &key_;
    const Place children_;
    const std::function<bool(const RowId &)> &is_known_;
    std::map<RowId, Holders> found_;
};

} // namespace

std::optional<ForeignKey> find_step(pg::Spi &spi, const ForeignKey &key, Place parents, Place children) {
    if ((parents == Place::archive && !key.parent.archive)
        || (children == Place::archive && !key.child.archive)) {
        return std::nullopt;
    }
    ForeignKey step = key;
    const auto move = [&](Place place, TableInfo *table, catalog::LinkColumns *link) {
        if (place == Place::table) {
            return true;
        }
        link->partition.clear();
        if (place == Place::archive) {
            *table = catalog::get_archive(*table);
            return true;
        }
        const Oid history = history::find_history(spi, table->relation);
        if (!OidIsValid(history) || !history::has_columns(spi, history, link->names)) {
            return false;
        }
        *table = catalog::get_table(spi, history);
        return true;
    };
    const bool is_there =
        move(parents, &step.parent, &step.parent_link) && move(children, &step.child, &step.child_link);
    step.link = step.comparison + catalog::restrict_to_partition("p", step.parent_link)
                + catalog::restrict_to_partition("c", step.child_link);
    return is_there ? std::optional<ForeignKey>(std::move(step)) : std::nullopt;
}

RowSet pick_values(pg::Spi &spi, const TableInfo &place, const std::vector<std::string> &columns,
                   const RowSet &rows) {
    RowSet picked;
    for (const auto &[row, members] : group_by_values(spi, place, columns, rows)) {
        picked.add(row);
    }
    return picked;
}

Belongings find_belongings(pg::Spi &spi, const ForeignKey &key, Place place, const RowSet &rows,
                           const std::function<bool(const RowId &)> &is_known) {
    Belongings belongings;
    const std::optional<ForeignKey> step = find_step(spi, key, Place::table, place);
    if (rows.empty() || !step) {
        return belongings;
    }
    const std::map<RowId, std::vector<RowId>> groups =
        group_by_values(spi, step->child, step->child_link.names, rows);
    RowSet picked;
    for (const auto &[row, members] : groups) {
        picked.add(row);
    }
    const std::map<RowId, Holders> holders = HolderReader(spi, key, place, is_known).read(picked);
    const std::map<RowId, Reference> references = read_references(spi, key.child, place, rows);
    for (const auto &[row, members] : groups) {
        const auto its = holders.find(row);
        for (const RowId &member : members) {
            const auto reference = references.find(member);
            const std::optional<bool> answer = its == holders.end() || reference == references.end()
                                                   ? std::nullopt
                                                   : is_of_known(its->second, reference->second);
            if (answer) {
                (*answer ? belongings.own : belongings.others).add(member);
            }
        }
    }
    return belongings;
}

} // namespace softdelete::erasure
