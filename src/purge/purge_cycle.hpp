// Removes due rows of tables that reference each other in a circle, or themselves: rows go together with the due rows
// that reference them, in one statement.
#pragma once

#include "purge/purge_batch.hpp"

#include <map>

namespace softdelete::purge {

// A registered table in a run.
struct PurgeTable {
    catalog::TableInfo info;
    std::vector<PurgeTarget> targets; // its physical tables, from its turn on (purge/purge_parts)
    std::vector<Blocker> blockers;
    bool anonymizes; // due rows are overwritten and stay
    bool may_move;   // the removal of some of its rows may update others: ON DELETE SET NULL or SET DEFAULT
    std::vector<Oid> parents = {}; // of the physical tables, from above
    std::uint64_t found_at = 0;    // how often definitions had changed when they were found
};

class PurgeCycle {
public:
    // The group's tables by OID, and that of them whose rows are asked for.
    PurgeCycle(pg::Spi &spi, std::map<Oid, const PurgeTable *> tables, Oid table)
        : spi_(spi)
        , tables_(std::move(tables))
        , asked_of_(table)
        , failing_(spi, table) {
        for (const auto &[relation, info] : tables_) {
            for (const PurgeTarget &target : info->targets) {
                roots_[target.relation] = relation;
            }
        }
    }

    // Removes those of the rows that are still due, with the due rows that reference them, and counts by table. Of the
    // rows asked for it also counts those that stay, and says why. Of a table without a cutoff nothing goes.
    // Locks: the rows; skips those that are locked. Raises what would fail for every row.
    std::map<Oid, registry::PurgeCounts> remove(const std::map<Oid, TimestampTz> &cutoffs,
                                                const PurgeTarget &target, const Positions &rows);

private:
    // The rows of one physical table that are to go.
    struct Piece {
        const PurgeTable *table;
        const PurgeTarget *target;
        rows::RowSet rows;
    };

    void attempt(const PurgeTarget &target, const Positions &rows);

    bool may_go(Oid table) const { return cutoffs_.count(table) != 0; }

    // The table of the group with which this one, maybe an inheritance child, is purged; or itself.
    Oid get_table(Oid relation) const {
        auto place = roots_.find(relation);
        return place == roots_.end() ? relation : place->second;
    }

    std::string make_due(const PurgeTable &table, const char *alias) const;
    rows::RowSet lock_rows(const PurgeTable &table, const PurgeTarget &target, const Positions &rows);
    void collect_referencing(Oid table, rows::RowSet rows);
    rows::RowSet find_referencing(Oid parent, const Blocker &blocker, const rows::RowSet &parents);
    rows::RowSet lock_referencing(Oid parent, const Blocker &blocker, const rows::RowSet &parents);
    std::uint64_t count_asked(Oid table, const rows::RowSet &rows) const;
    void drop_held();
    void drop_referenced();
    rows::RowSet find_kept(const PurgeTable &parent, const Blocker &blocker, const rows::RowSet &rows,
                           const rows::RowSet &going);
    rows::RowSet get_going(Oid table) const;
    rows::RowSet drop(Oid table, const rows::RowSet &rows);
    rows::RowSet drop_blocked(Oid table, const Blocker &blocker, const rows::RowSet &rows);
    void drop_parents(Oid table, rows::RowSet rows);
    rows::RowSet find_parents(Oid parent, const Blocker &blocker, const rows::RowSet &children);
    void remove_all(Oid owner);
    std::vector<Piece> make_pieces() const;
    void remove_part(Oid role, const std::vector<Piece *> &pieces);
    static void follow_moves(const std::vector<Piece *> &pieces);
    // How many of the rows are still there and due.
    std::uint64_t count_due_at(const PurgeTable &table, const PurgeTarget &target, const rows::RowSet &rows);
    // Counts rows that another session or a trigger kept.
    void note_kept(Oid table, std::uint64_t rows);

    pg::Spi &spi_;
    const std::map<Oid, const PurgeTable *> tables_;
    std::map<Oid, Oid> roots_; // of their physical tables
    const Oid asked_of_;
    std::map<Oid, TimestampTz> cutoffs_;
    rows::RowSet asked_;               // the rows asked for, of that table
    std::map<Oid, rows::RowSet> rows_; // what is to go
    std::map<Oid, registry::PurgeCounts> counts_;
    FailingRows failing_;
};

} // namespace softdelete::purge
