// purge_preview(): finds the due rows that are referenced by rows that stay, and from these upward what stays because
// of them. Called by api/purge, and by the worker, which asks whether there is anything to do.
#include "purge/preview_purge.hpp"
#include "sqltext/format.hpp"

#include "holds/held_rows.hpp"
#include "pg/interruptions.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "purge/lock_purged.hpp"
#include "purge/purge_archive.hpp"
#include "purge/purge_tables.hpp"
#include "purge/reference_links.hpp"
#include "registry/retention.hpp"
#include "rows/owners_statement.hpp"
#include "session/members_owners.hpp"

#include <algorithm>
#include <deque>

extern "C" {
#include "utils/timestamp.h"
}

namespace softdelete::purge {

namespace {

class Preview {
public:
    Preview(pg::Spi &spi, PurgePlan *plan) : spi_(spi), plan_(*plan) {
        for (PurgeTable &table : plan->tables) {
            registry::Cutoff cutoff = pg::call([&] { return registry::get_cutoff(table.info.relation); });
            // Without a retention nothing is due.
            cutoffs_[table.info.relation] = cutoff.has_retention ? cutoff.cutoff : DT_NOBEGIN;
            if (look_at(table)) {
                tables_[table.info.relation] = &table;
            }
        }
    }

    std::vector<DueLine> run() {
        std::map<Oid, std::size_t> held;
        for (const auto &[relation, table] : tables_) {
            rows::RowSet rows = find_held(*table);
            held[relation] = rows.size();
            keep(relation, std::move(rows));
        }
        for (const auto &[relation, table] : tables_) {
            for (const Blocker &blocker : get_blockers(*table)) {
                keep(relation, find_referenced(*table, blocker));
            }
        }
        spread();
        std::vector<DueLine> lines;
        for (const model::PurgeGroup &group : plan_.groups) {
            for (std::size_t number : group.tables) {
                Oid relation = plan_.tables[number].info.relation;
                if (tables_.contains(relation)) {
                    lines.push_back({relation, get_cutoff_text(relation), counts_.at(relation),
                                     held[relation], kept_[relation].size() - held[relation]});
                }
            }
        }
        return lines;
    }

private:
    std::optional<std::string> get_cutoff_text(Oid relation) const {
        if (TIMESTAMP_IS_NOBEGIN(cutoffs_.at(relation))) {
            return std::nullopt;
        }
        return pg::write_time(cutoffs_.at(relation));
    }

    static void refuse_others_members(const PurgeTable &table) {
        pg::call([&] { session::refuse_others_members(table.info.relation); });
        for (const Blocker &blocker : get_blockers(table)) {
            for (const catalog::ForeignKey &key : blocker.chain) {
                pg::call([&] { session::refuse_others_members(key.child.relation); });
            }
        }
    }

    // False, with a warning, where its owner has left the table in a state that lets nobody count: the others are shown.
    bool look_at(PurgeTable &table) {
        try {
            pg::Subtransaction savepoint;
            if (!read_again(spi_, &table)) {
                return false;
            }
            refuse_others_members(table);
            counts_[table.info.relation] = count(table);
            savepoint.commit();
            return true;
        } catch (const pg::ServerError &error) {
            if (pg::is_interruption(error)) {
                throw;
            }
            pg::warn(sqltext::format("could not look at table %1%: %2%", table.info.title, error.message()));
            return false;
        }
    }

    std::uint64_t count(const PurgeTable &table) {
        std::uint64_t due = 0;
        for (const PurgeTarget &target : table.targets) {
            pg::ReadScope scope(target.owner);
            due += count_due(target, cutoffs_.at(table.info.relation));
        }
        return due;
    }

    std::string make_due(const PurgeTable &table, const char *alias) const {
        return table.targets.empty()
                   ? "false"
                   : make_due_condition(table.targets.front(), alias, cutoffs_.at(table.info.relation));
    }

    rows::RowSet read_rows(const std::string &sql, const std::vector<pg::Parameter> &parameters) {
        rows::RowSet set;
        for (const pg::Row &row : rows::query_as_owners(sql, parameters)) {
            set.add(rows::read_row_id(row));
        }
        return set;
    }

    // The held rows that are due.
    rows::RowSet find_held(const PurgeTable &table) {
        if (!holds::has_holds(spi_)) {
            return {};
        }
        const holds::Harm harm = table.anonymizes ? holds::Harm::overwriting : holds::Harm::removal;
        constexpr std::uint64_t few = 10000;
        if (counts_.at(table.info.relation) <= few) {
            return holds::find_held_rows(spi_, table.info, get_due(table), harm);
        }
        rows::RowSet held = holds::find_all_held_rows(spi_, table.info, harm);
        pg::ReadScope scope(table.info.owner);
        return read_rows(
            sqltext::format(
                "/* softdelete purge */ SELECT p.tableoid, p.ctid FROM %1% AS p WHERE %2% AND %3%",
                table.info.name, make_due(table, "p"), rows::make_membership(table.info, "p", 1)),
            {held.tables(), held.positions()});
    }

    // Rows that are overwritten may be referenced.
    static std::vector<Blocker> get_blockers(const PurgeTable &table) {
        return table.anonymizes ? std::vector<Blocker>() : table.blockers;
    }

    // SQL: the referencing row "c" is not removed itself. Rows of tables outside of the run all stay.
    std::string make_staying(const Blocker &blocker) const {
        const PurgeTable *child = find_table(blocker.child().relation);
        return child == nullptr || child->anonymizes ? ""
                                                     : " AND (" + make_due(*child, "c") + ") IS NOT TRUE";
    }

    // The table that is purged, of which the relation may be an inheritance child. Null where there is none.
    const PurgeTable *find_table(Oid relation) const {
        auto place = tables_.find(relation);
        if (place != tables_.end()) {
            return place->second;
        }
        for (const auto &[root, table] : tables_) {
            for (const PurgeTarget &target : table->targets) {
                if (target.relation == relation) {
                    return table;
                }
            }
        }
        return nullptr;
    }

    // The due rows that other rows reference through the blocker: those that stay in any case.
    rows::RowSet find_referenced(const PurgeTable &table, const Blocker &blocker) {
        if (!have_one_owner({blocker}, table.info.owner)) {
            return get_parents(find_reference_links(spi_, blocker, get_due(table), make_staying(blocker)));
        }
        return find_referenced(table, blocker, make_staying(blocker), {});
    }

    // The same of these rows.
    rows::RowSet find_referenced(const PurgeTable &table, const Blocker &blocker,
                                 const rows::RowSet &staying) {
        if (!have_one_owner({blocker}, table.info.owner)) {
            std::vector<rows::RowLink> links = find_reference_links(spi_, blocker, get_due(table));
            std::erase_if(links, [&](const rows::RowLink &link) { return !staying.contains(link.child); });
            return get_parents(links);
        }
        return find_referenced(table, blocker, " AND " + rows::make_membership(blocker.child(), "c", 1),
                               {staying.tables(), staying.positions()});
    }

    rows::RowSet find_referenced(const PurgeTable &table, const Blocker &blocker,
                                 const std::string &condition, const std::vector<pg::Parameter> &parameters) {
        pg::ReadScope scope(table.info.owner);
        return read_rows(
            sqltext::format(
                "/* softdelete purge */ SELECT p.tableoid, p.ctid FROM %1% AS p WHERE %2% AND %3%",
                blocker.parent().key_rows(), make_due(table, "p"), make_reference(blocker, condition)),
            parameters);
    }

    const rows::RowSet &get_due(const PurgeTable &table) {
        auto [place, is_new] = due_.try_emplace(table.info.relation);
        if (is_new) {
            pg::ReadScope scope(table.info.owner);
            place->second = read_rows(
                sqltext::format("/* softdelete purge */ SELECT p.tableoid, p.ctid FROM %1% AS p WHERE %2%",
                                table.info.name, make_due(table, "p")),
                {});
        }
        return place->second;
    }

    void keep(Oid relation, rows::RowSet rows) {
        rows::RowSet fresh;
        for (const rows::RowId &row : rows.ids()) {
            if (kept_[relation].add(row)) {
                fresh.add(row);
            }
        }
        if (!fresh.empty()) {
            work_.emplace_back(relation, std::move(fresh));
        }
    }

    // Rows that stay keep what they reference.
    void spread() {
        while (!work_.empty()) {
            auto [child, rows] = std::move(work_.front());
            work_.pop_front();
            for (const auto &[relation, table] : tables_) {
                for (const Blocker &blocker : get_blockers(*table)) {
                    const PurgeTable *referencing = find_table(blocker.child().relation);
                    if (referencing != nullptr && referencing->info.relation == child) {
                        keep(relation, find_referenced(*table, blocker, rows));
                    }
                }
            }
        }
    }

    pg::Spi &spi_;
    const PurgePlan &plan_;
    std::map<Oid, const PurgeTable *> tables_;
    std::map<Oid, TimestampTz> cutoffs_;
    std::map<Oid, std::uint64_t> counts_; // due rows
    std::map<Oid, rows::RowSet> kept_;    // due rows that stay
    std::map<Oid, rows::RowSet> due_;     // of tables whose blockers have several owners
    std::deque<std::pair<Oid, rows::RowSet>> work_;
};

// The run says what is wrong with a table that cannot be asked.
bool has_due_rows(pg::Spi &spi, PurgeTable &table) {
    try {
        pg::Subtransaction savepoint;
        registry::Cutoff cutoff;
        bool has_rows = read_again(spi, &table);
        if (has_rows) {
            cutoff = pg::call([&] { return registry::get_cutoff(table.info.relation); });
            has_rows =
                cutoff.has_retention
                && std::any_of(table.targets.begin(), table.targets.end(), [&](const PurgeTarget &target) {
                       pg::ReadScope scope(target.owner);
                       return spi
                           .query(sqltext::format("/* softdelete purge */ SELECT EXISTS (SELECT FROM ONLY "
                                                  "%1% AS p WHERE %2%)",
                                                  target.name,
                                                  make_due_condition(target, "p", cutoff.cutoff)))
                           .front()
                           .boolean(0);
                   });
        }
        savepoint.commit();
        return has_rows;
    } catch (const pg::ServerError &error) {
        if (pg::is_interruption(error)) {
            throw;
        }
        return true;
    }
}

} // namespace

bool has_due_rows() {
    pg::Spi spi;
    PurgePlan plan = plan_purge(spi, std::nullopt);
    return std::any_of(plan.tables.begin(), plan.tables.end(),
                       [&](PurgeTable &table) { return has_due_rows(spi, table); })
           || has_due_archives(spi);
}

std::vector<DueLine> preview_purge(std::optional<Oid> relation) {
    pg::Spi spi;
    lock_purged(spi, relation);
    PurgePlan plan = plan_purge(spi, relation);
    std::vector<DueLine> lines = Preview(spi, &plan).run();
    preview_archives(spi, relation, &lines);
    return lines;
}

} // namespace softdelete::purge
