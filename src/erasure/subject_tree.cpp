// A work list of rows by table, an archive being one of its own: its rows have the rules and the foreign keys of the table
// that they were deleted from. Which tables lead to rules is asked beforehand, from these upward: rows of others are not
// read, only looked for.
#include "erasure/subject_tree.hpp"

#include "erasure/archived_copies.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "registry/archive_scan.hpp"
#include "registry/registered_names.hpp"
#include "sqltext/format.hpp"

#include <algorithm>
#include <deque>

namespace softdelete::erasure {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;
using catalog::TableInfo;
using rows::RowId;
using rows::RowSet;

class Collector {
public:
    Collector(pg::Spi &spi, const TableInfo &subject) : spi_(spi), subject_(subject) {
        find_leading_tables();
    }

    SubjectTree run(const catalog::KeyLookup &lookup, const rows::RowTree &whole) {
        for (const auto &[relation, member] : whole.tables) {
            add(member.rows);
        }
        do {
            follow_all();
            add_copies(lookup);
        } while (!work_.empty());
        for (const auto &[relation, member] : tables_) {
            take(places_.at(relation), member);
        }
        take_gone();
        tree_.not_reached.insert(left_copies_.begin(), left_copies_.end());
        return std::move(tree_);
    }

private:
    // A table or an archive, and whose rules and keys count.
    struct Place {
        TableInfo table;
        TableInfo source;

        bool is_archive() const { return table.relation != source.relation; }
    };

    void follow_all() {
        while (!work_.empty()) {
            auto [relation, rows] = std::move(work_.front());
            work_.pop_front();
            const Place &place = places_.at(relation);
            for (const ForeignKey &key : catalog::find_referencing_keys(spi_, place.source.relation)) {
                const std::optional<std::string> barrier = find_barrier(key);
                if (!place.is_archive() && barrier) {
                    note_unreached(key, rows, *barrier);
                } else if (!place.is_archive()) {
                    follow(key, rows);
                }
                if (key.child.archive && barrier) { // the others erasure/archived_copies finds
                    note_unreached(place.is_archive() ? catalog::between_archives(key)
                                                      : catalog::of_archived_children(key),
                                   rows, *barrier);
                }
            }
        }
    }

    // Also what references a former key of a row, and what histories tell.
    void add_copies(const catalog::KeyLookup &lookup) {
        rows::RowTree live;
        for (const auto &[relation, member] : tables_) {
            if (!places_.at(relation).is_archive()) {
                live.tables[relation] = member;
            }
        }
        const ArchivedCopies copies = find_archived_copies(
            spi_, subject_, lookup, live, [this](const ForeignKey &key) { return find_barrier(key); });
        for (const auto &[archive, member] : copies.archives) {
            const RowSet along = rows::subtract(member.rows, copies.linked);
            add_archived(along);
            add(rows::subtract(member.rows, along));
        }
        left_copies_ = copies.not_reached;
        tree_.gone = copies.gone;
    }

    // Of the table, partition or child that a row is in.
    const Place &get_place(Oid relation) {
        const TableInfo table = catalog::get_table(spi_, relation);
        auto place = places_.find(table.relation);
        if (place == places_.end()) {
            Oid kept = pg::call([&] { return registry::find_table_of_archive(table.relation); });
            const TableInfo source = OidIsValid(kept) ? catalog::get_table(spi_, kept) : table;
            Place made = {OidIsValid(kept) ? catalog::get_archive(source) : table, source};
            place = places_.emplace(table.relation, std::move(made)).first;
        }
        return place->second;
    }

    // The tables with rules, and those that they reference, directly or not.
    void find_leading_tables() {
        std::deque<Oid> work;
        auto add_table = [&](Oid relation) {
            if (leading_.insert(relation).second) {
                work.push_back(relation);
            }
        };
        for (Oid relation : registry::find_tables_with_rules(spi_)) {
            add_table(relation);
        }
        while (!work.empty()) {
            Oid relation = work.front();
            work.pop_front();
            for (const ForeignKey &key : catalog::find_own_keys(spi_, relation)) {
                add_table(key.parent.relation);
                add_table(get_root(key.parent.relation));
            }
        }
    }

    Oid get_root(Oid relation) { return registry::find_registered_root(spi_, relation).value_or(relation); }

    bool is_of_subject(Oid relation) {
        return relation == subject_.relation || get_root(relation) == subject_.relation;
    }

    bool leads_to_rules(Oid relation) {
        return leading_.contains(relation) || leading_.contains(get_root(relation));
    }

    const std::vector<registry::Anonymizer> &get_rules(Oid relation) {
        auto [place, is_new] = rules_.try_emplace(relation);
        if (is_new) {
            place->second = registry::find_rules_for_rows(spi_, relation);
        }
        return place->second;
    }

    // Why the key does not lead to rows of the subject.
    std::optional<std::string> find_barrier(const ForeignKey &key) {
        if (key.on_delete == OnDelete::cascade) {
            return std::nullopt;
        }
        if (is_of_subject(key.child.relation)) {
            return "are other rows of the subject's own table";
        }
        if (!leads_to_rules(key.child.relation)) {
            return no_rules;
        }
        if (!pg::owns_relation(key.child.relation)) {
            return "belong to a table of another owner";
        }
        return std::nullopt;
    }

    void follow(const ForeignKey &key, const RowSet &parents) {
        const bool is_overwritten =
            key.on_delete == OnDelete::cascade || !get_rules(get_root(key.child.relation)).empty();
        add(is_overwritten ? rows::lock_children(spi_, key, parents)
                           : rows::find_children(spi_, key, parents));
    }

    // One that references other rows of the tree is one of it.
    void note_unreached(const ForeignKey &key, const RowSet &parents, const std::string &reason) {
        RowSet children = rows::find_some_children(spi_, key, parents, all_.size() + 1);
        for (const RowId &row : children.ids()) {
            if (!all_.contains(row)) {
                say_unreached(key.child.name, reason);
                return;
            }
        }
    }

    void add_archived(const RowSet &rows) {
        add(rows);
        for (const RowId &row : rows.ids()) {
            const TableInfo &table = get_place(row.table).table;
            rows::TreeTable &member = tree_.archived.tables[table.relation];
            member.table = table;
            member.rows.add(row);
            tree_.archived.all.add(row);
        }
    }

    void say_unreached(const std::string &table, const std::string &reason) {
        tree_.not_reached.insert(sqltext::format("rows of %1% that %2%", table, reason));
    }

    void add(const RowSet &rows) {
        for (const auto &[relation, members] : rows::group_by_table(rows)) {
            const TableInfo &table = get_place(relation).table;
            rows::TreeTable &member = tables_[table.relation];
            member.table = table;
            RowSet fresh;
            for (const RowId &row : members.ids()) {
                if (all_.add(row)) {
                    member.rows.add(row);
                    fresh.add(row);
                }
            }
            if (!fresh.empty()) {
                work_.emplace_back(table.relation, std::move(fresh));
            }
        }
    }

    void take(const Place &place, const rows::TreeTable &member) {
        if (member.rows.empty()) {
            return;
        }
        bool is_soft = place.source.is_registered || place.source.archive;
        if (!is_soft || get_rules(place.source.relation).empty()) {
            say_unreached(member.table.name, no_rules);
            return;
        }
        tree_.rules[member.table.relation] = get_rules(place.source.relation);
        tree_.overwritten.tables[member.table.relation] = member;
        tree_.overwritten.all.add_all(member.rows);
    }

    void take_gone() {
        for (const auto &[relation, entries] : tree_.gone) {
            const TableInfo table = catalog::get_table(spi_, relation);
            const std::vector<registry::Anonymizer> &rules = get_rules(get_root(relation));
            if (rules.empty() || !pg::owns_relation(relation)) {
                tree_.not_reached.insert(tell_gone(table));
            } else {
                tree_.gone_rules[relation] = rules;
            }
        }
    }

    static constexpr const char *no_rules = "reference the subject and have no rules for anonymization";

    pg::Spi &spi_;
    const TableInfo &subject_;
    std::set<Oid> leading_;
    std::map<Oid, std::vector<registry::Anonymizer>> rules_;
    std::map<Oid, Place> places_; // by the root
    std::map<Oid, rows::TreeTable> tables_;
    RowSet all_;
    std::deque<std::pair<Oid, RowSet>> work_;
    std::set<std::string> left_copies_; // when all others were found
    SubjectTree tree_;
};

} // namespace

SubjectTree find_subject_tree(pg::Spi &spi, const TableInfo &subject, const catalog::KeyLookup &lookup,
                              const rows::RowTree &whole) {
    return Collector(spi, subject).run(lookup, whole);
}

} // namespace softdelete::erasure
