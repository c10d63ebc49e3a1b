// Removes due rows of tables that reference each other in a circle, or themselves: collects downward, drops upward what
// stays, removes the rest, which is the largest set that nothing outside of it references. Called by purge/purge_rows.
#include "purge/purge_cycle.hpp"
#include "sqltext/format.hpp"

#include "catalog/reader_scope.hpp"
#include "holds/held_rows.hpp"
#include "holds/hold_check.hpp"
#include "pg/physical_rows.hpp"
#include "pg/transactions.hpp"
#include "purge/reference_links.hpp"
#include "rows/owners_statement.hpp"

#include <deque>

extern "C" {
#include "storage/lmgr.h"
}

namespace softdelete::purge {

namespace {

using registry::PurgeCounts;

rows::RowSet read_rows(const std::vector<pg::Row> &rows) {
    rows::RowSet set;
    for (const pg::Row &row : rows) {
        set.add(rows::read_row_id(row));
    }
    return set;
}

pg::Rows query_positions(const std::string &sql, const std::vector<pg::Parameter> &parameters,
                         const session::OwnTraits &traits = {}) {
    return rows::query_as_owners(sql, parameters, traits, rows::Planning::for_any);
}

// May the planner run code that somebody has written where a statement names the table? Locks: SHARE UPDATE EXCLUSIVE, so that nobody adds any until the transaction ends.
bool may_run_code_when_planned(pg::Spi &spi, Oid relation) {
    pg::call([&] { LockRelationOid(relation, ShareUpdateExclusiveLock); });
    return catalog::runs_code_when_planned(spi, relation);
}

} // namespace

std::map<Oid, PurgeCounts> PurgeCycle::remove(const std::map<Oid, TimestampTz> &cutoffs,
                                              const PurgeTarget &target, const Positions &rows) {
    cutoffs_ = cutoffs;
    std::map<Oid, PurgeCounts> total;
    failing_.separate(
        rows.size(),
        [&](std::size_t first, std::size_t count) {
            auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first);
            rows_.clear();
            counts_.clear();
            pg::Subtransaction savepoint;
            attempt(target, Positions(begin, begin + static_cast<std::ptrdiff_t>(count)));
            savepoint.commit();
            for (const auto &[relation, counts] : counts_) {
                total[relation].add(counts);
            }
        },
        [&](const std::string &failure) {
            total[asked_of_].blocked++;
            total[asked_of_].blockers[failure]++;
        });
    return total;
}

void PurgeCycle::attempt(const PurgeTarget &target, const Positions &rows) {
    PurgeScope scope(target.owner);
    Oid table = asked_of_;
    asked_ = lock_rows(*tables_.at(table), target, rows);
    if (asked_.size() < rows.size()) {
        note_kept(table,
                  count_due_at(*tables_.at(table), target, make_row_set(target, rows)) - asked_.size());
    }
    rows_[table] = asked_;
    collect_referencing(table, asked_);
    drop_held();
    drop_referenced();
    remove_all(target.owner);
}

// The log's line is about the rows asked for.
std::uint64_t PurgeCycle::count_asked(Oid table, const rows::RowSet &rows) const {
    std::uint64_t count = 0;
    for (const rows::RowId &row : rows.ids()) {
        count += table == asked_of_ && asked_.contains(row) ? 1 : 0;
    }
    return count;
}

// SQL: the row is due.
std::string PurgeCycle::make_due(const PurgeTable &table, const char *alias) const {
    return make_due_condition(table.targets.front(), alias, cutoffs_.at(table.info.relation));
}

rows::RowSet PurgeCycle::lock_rows(const PurgeTable &table, const PurgeTarget &target,
                                   const Positions &rows) {
    rows::RowSet wanted = make_row_set(target, rows);
    pg::OwnerScope owner(target.owner);
    return read_rows(query_positions(
        sqltext::format("/* softdelete purge */ SELECT p.tableoid, p.ctid FROM ONLY %1% AS p WHERE "
                        "p.ctid = ANY (CAST($1 AS pg_catalog.tid[])) AND %2% FOR UPDATE SKIP LOCKED",
                        target.name, make_due(table, "p")),
        {wanted.positions()}));
}

// Level by level, each row once.
void PurgeCycle::collect_referencing(Oid table, rows::RowSet rows) {
    std::deque<std::pair<Oid, rows::RowSet>> work;
    work.emplace_back(table, std::move(rows));
    while (!work.empty()) {
        auto [parent, parents] = std::move(work.front());
        work.pop_front();
        for (const Blocker &blocker : tables_.at(parent)->blockers) {
            Oid child = get_table(blocker.child().relation);
            if (!may_go(child) || parents.empty()) {
                continue;
            }
            rows::RowSet referencing = lock_referencing(parent, blocker, parents);
            rows::RowSet found;
            for (const rows::RowId &row : referencing.ids()) {
                if (rows_[child].add(row)) {
                    found.add(row);
                }
            }
            if (!found.empty()) {
                work.emplace_back(child, std::move(found));
            }
        }
    }
}

// Those that reference the parents through unregistered tables.
rows::RowSet PurgeCycle::find_referencing(Oid parent, const Blocker &blocker, const rows::RowSet &parents) {
    const catalog::TableInfo &above = tables_.at(parent)->info;
    pg::OwnerScope owner(above.owner);
    return read_rows(query_positions(
        sqltext::format(
            "/* softdelete purge */ SELECT DISTINCT n.* FROM %1% AS p, LATERAL (%2%) AS n WHERE %3% "
            "AND softdelete.include_deleted(p.%4%)",
            blocker.parent().key_rows(), make_referencing_rows(blocker), rows::make_membership(above, "p", 1),
            above.deleted_at),
        {parents.tables(), parents.positions()}));
}

rows::RowSet PurgeCycle::lock_referencing(Oid parent, const Blocker &blocker, const rows::RowSet &parents) {
    const PurgeTable &child = *tables_.at(get_table(blocker.child().relation));
    const catalog::TableInfo &above = tables_.at(parent)->info;
    bool has_one_owner = have_one_owner({blocker}, child.info.owner);
    if (!has_one_owner || !blocker.is_direct()) {
        rows::RowSet found = has_one_owner ? find_referencing(parent, blocker, parents)
                                           : get_children(find_reference_links(spi_, blocker, parents));
        pg::OwnerScope owner(child.info.owner);
        return read_rows(query_positions(
            sqltext::format(
                "/* softdelete purge */ SELECT c.tableoid, c.ctid FROM %1% AS c WHERE %2% AND %3% FOR "
                "UPDATE SKIP LOCKED",
                blocker.child().key_rows(), rows::make_membership(blocker.child(), "c", 1),
                make_due(child, "c")),
            {found.tables(), found.positions()}));
    }
    pg::OwnerScope owner(child.info.owner);
    return read_rows(query_positions(
        sqltext::format(
            "/* softdelete purge */ SELECT c.tableoid, c.ctid FROM %1% AS p, %2% AS c WHERE %3% AND "
            "softdelete.include_deleted(p.%4%) AND %5% AND %6% FOR UPDATE OF c SKIP LOCKED",
            blocker.parent().key_rows(), blocker.child().key_rows(), rows::make_membership(above, "p", 1),
            above.deleted_at, blocker.last().link, make_due(child, "c")),
        {parents.tables(), parents.positions()}));
}

void PurgeCycle::drop_held() {
    if (!holds::has_holds(spi_)) {
        return;
    }
    std::map<Oid, rows::RowSet> held;
    for (const auto &[table, rows] : rows_) {
        held[table] = holds::find_held_rows(spi_, tables_.at(table)->info, rows);
    }
    for (const auto &[table, rows] : held) {
        counts_[asked_of_].held += count_asked(table, drop(table, rows));
    }
    for (const auto &[table, rows] : held) {
        drop_parents(table, rows);
    }
}

// Rows that are referenced from outside of the sets stay, and with them what they reference.
void PurgeCycle::drop_referenced() {
    for (const auto &[table, all] : std::map<Oid, rows::RowSet>(rows_)) {
        const PurgeTable &parent = *tables_.at(table);
        for (const Blocker &blocker : parent.blockers) {
            const rows::RowSet &rows = rows_[table];
            if (rows.empty()) {
                break;
            }
            const rows::RowSet going = get_going(get_table(blocker.child().relation));
            rows::RowSet kept = find_kept(parent, blocker, rows, going);
            drop_blocked(table, blocker, kept);
            drop_parents(table, std::move(kept));
        }
    }
}

// Those of the rows that are referenced by others than those that are going.
rows::RowSet PurgeCycle::find_kept(const PurgeTable &parent, const Blocker &blocker, const rows::RowSet &rows,
                                   const rows::RowSet &going) {
    if (!have_one_owner({blocker}, parent.info.owner)) {
        std::vector<rows::RowLink> links = find_reference_links(spi_, blocker, rows);
        std::erase_if(links, [&](const rows::RowLink &link) { return going.contains(link.child); });
        return get_parents(links);
    }
    pg::OwnerScope owner(parent.info.owner);
    return read_rows(query_positions(
        sqltext::format("/* softdelete purge */ SELECT p.tableoid, p.ctid FROM %1% AS p WHERE %2% AND "
                        "softdelete.include_deleted(p.%3%) AND %4%",
                        blocker.parent().key_rows(), rows::make_membership(parent.info, "p", 1),
                        parent.info.deleted_at,
                        make_reference(blocker, " AND " + rows::make_exclusion("c", 3))),
        {rows.tables(), rows.positions(), going.tables(), going.positions()}));
}

// The rows of a table that are to go: none of a table outside of the circle.
rows::RowSet PurgeCycle::get_going(Oid table) const {
    auto place = rows_.find(table);
    return place == rows_.end() ? rows::RowSet() : place->second;
}

// Takes rows out of the sets; returns those that were in.
rows::RowSet PurgeCycle::drop(Oid table, const rows::RowSet &rows) {
    rows::RowSet dropped;
    for (const rows::RowId &row : rows.ids()) {
        if (rows_[table].contains(row)) {
            rows_[table].remove(row);
            dropped.add(row);
        }
    }
    return dropped;
}

rows::RowSet PurgeCycle::drop_blocked(Oid table, const Blocker &blocker, const rows::RowSet &rows) {
    rows::RowSet dropped = drop(table, rows);
    if (std::uint64_t count = count_asked(table, dropped); count > 0) {
        counts_[table].blocked += count;
        counts_[table].blockers[blocker.title()] += count;
    }
    return dropped;
}

void PurgeCycle::drop_parents(Oid table, rows::RowSet rows) {
    std::deque<std::pair<Oid, rows::RowSet>> work;
    work.emplace_back(table, std::move(rows));
    while (!work.empty()) {
        auto [child, kept] = std::move(work.front());
        work.pop_front();
        if (kept.empty()) {
            continue;
        }
        for (const auto &[parent, info] : tables_) {
            for (const Blocker &blocker : info->blockers) {
                if (get_table(blocker.child().relation) == child) {
                    work.emplace_back(parent,
                                      drop_blocked(parent, blocker, find_parents(parent, blocker, kept)));
                }
            }
        }
    }
}

rows::RowSet PurgeCycle::find_parents(Oid parent, const Blocker &blocker, const rows::RowSet &children) {
    const catalog::TableInfo &above = tables_.at(parent)->info;
    const catalog::TableInfo &child = blocker.child();
    if (!have_one_owner({blocker}, above.owner)) {
        std::vector<rows::RowLink> links = find_reference_links(spi_, blocker, rows_[parent]);
        std::erase_if(links, [&](const rows::RowLink &link) { return !children.contains(link.child); });
        return get_parents(links);
    }
    pg::OwnerScope owner(above.owner);
    if (!blocker.is_direct()) {
        const rows::RowSet &rows = rows_[parent];
        return read_rows(query_positions(
            sqltext::format("/* softdelete purge */ SELECT p.tableoid, p.ctid FROM %1% AS p WHERE %2% AND "
                            "softdelete.include_deleted(p.%3%) AND %4%",
                            blocker.parent().key_rows(), rows::make_membership(above, "p", 1),
                            above.deleted_at,
                            make_reference(blocker, " AND " + rows::make_membership(child, "c", 3))),
            {rows.tables(), rows.positions(), children.tables(), children.positions()}));
    }
    return read_rows(query_positions(
        sqltext::format(
            "/* softdelete purge */ SELECT p.tableoid, p.ctid FROM %1% AS c, %2% AS p WHERE %3% AND "
            "softdelete.include_deleted(c.%4%) AND softdelete.include_deleted(p.%5%) AND %6%",
            child.key_rows(), blocker.parent().key_rows(), rows::make_membership(child, "c", 1),
            child.deleted_at, above.deleted_at, blocker.last().link),
        {children.tables(), children.positions()}));
}

void PurgeCycle::note_kept(Oid table, std::uint64_t rows) {
    if (rows > 0) {
        counts_[table].blocked += rows;
        counts_[table].blockers[kept_otherwise] += rows;
    }
}

// One statement where no code of another owner's can run in it: what references each other goes together, and
// constraints look at the end. The others follow as their owners. What went natively with them by then is gone; what
// ON DELETE SET NULL has changed has moved.
void PurgeCycle::remove_all(Oid owner) {
    std::vector<Piece> pieces = make_pieces();
    std::map<Oid, std::vector<Piece *>> parts;
    for (Piece &piece : pieces) {
        Oid relation = piece.target->relation;
        bool has_code = piece.target->owner != owner
                        && (pg::call([&] { return pg::runs_code_on_delete(relation); })
                            || may_run_code_when_planned(spi_, relation));
        parts[has_code ? piece.target->owner : owner].push_back(&piece);
    }
    remove_part(owner, parts[owner]);
    parts.erase(owner);
    for (const auto &[other, part] : parts) {
        follow_moves(part);
        remove_part(other, part);
    }
    for (const Piece &piece : pieces) {
        std::uint64_t left = count_due_at(*piece.table, *piece.target, piece.rows);
        counts_[piece.table->info.relation].removed += piece.rows.size() - left;
        note_kept(piece.table->info.relation, left);
    }
}

std::vector<PurgeCycle::Piece> PurgeCycle::make_pieces() const {
    std::vector<Piece> pieces;
    for (const auto &[table, rows] : rows_) {
        const PurgeTable &info = *tables_.at(table);
        for (const PurgeTarget &target : info.targets) {
            Piece piece = {&info, &target, {}};
            for (const rows::RowId &row : rows.ids()) {
                if (row.table == target.relation) {
                    piece.rows.add(row);
                }
            }
            if (!piece.rows.empty()) {
                pieces.push_back(std::move(piece));
            }
        }
    }
    return pieces;
}

void PurgeCycle::remove_part(Oid role, const std::vector<Piece *> &pieces) {
    std::string deletes;
    std::vector<pg::Parameter> parameters;
    for (const Piece *piece : pieces) {
        parameters.push_back(piece->rows.positions());
        deletes += sqltext::format("%1% d%2% AS (DELETE FROM %3%p.ctid = ANY (CAST($%2% AS "
                                   "pg_catalog.tid[])) AND %4%)",
                                   (deletes.empty() ? "WITH" : ","), parameters.size(), piece->target->from,
                                   make_due(*piece->table, "p"));
    }
    if (!pieces.empty()) {
        pg::OwnerScope scope(role);
        (void)query_positions("/* softdelete purge */ " + deletes + " SELECT", parameters,
                              {.notes = removal_notes, .runs_as_called = true});
    }
}

void PurgeCycle::follow_moves(const std::vector<Piece *> &pieces) {
    for (Piece *piece : pieces) {
        Positions rows;
        for (const rows::RowId &row : piece->rows.ids()) {
            rows.push_back(row.position);
        }
        pg::call([&] { pg::follow_updates(piece->target->relation, rows.data(), rows.size()); });
        piece->rows = make_row_set(*piece->target, rows);
    }
}

std::uint64_t PurgeCycle::count_due_at(const PurgeTable &table, const PurgeTarget &target,
                                       const rows::RowSet &rows) {
    // The subquery hides from the planner how many they are, as for query_positions().
    pg::OwnerScope scope(target.owner);
    return static_cast<std::uint64_t>(
        spi_.query(sqltext::format(
                       "/* softdelete purge */ SELECT pg_catalog.count(*) FROM ONLY %1% AS p WHERE "
                       "p.ctid = ANY (ARRAY(SELECT pg_catalog.unnest(CAST($1 AS pg_catalog.tid[])))) AND %2%",
                       target.name, make_due(table, "p")),
                   {rows.positions()})
            .front()
            .number(0));
}

} // namespace softdelete::purge
