// A work list of rows by table. Which tables lead to rules is asked beforehand, from these upward: rows of others are not
// read, only looked for.
#include "erasure/subject_tree.hpp"

#include "pg/relations.hpp"
#include "registry/registered_names.hpp"
#include "sqltext/format.hpp"

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

    SubjectTree run(const rows::RowTree &whole) {
        for (const auto &[relation, member] : whole.tables) {
            add(member.rows);
        }
        while (!work_.empty()) {
            auto [relation, rows] = std::move(work_.front());
            work_.pop_front();
            for (const ForeignKey &key : catalog::find_referencing_keys(spi_, relation)) {
                follow(key, rows);
            }
        }
        for (const auto &[relation, member] : tables_) {
            take(relation, member);
        }
        return std::move(tree_);
    }

private:
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
            place->second = registry::find_anonymizers(spi_, relation);
        }
        return place->second;
    }

    // What archives hold below the rows is left as it is.
    void note_archived(const ForeignKey &key, const RowSet &parents) {
        if (key.child.archive
            && !rows::find_some_children(spi_, catalog::of_archived_children(key), parents, 1).empty()) {
            say_unreached(key.child.archive->name, no_rules);
        }
    }

    void follow(const ForeignKey &key, const RowSet &parents) {
        note_archived(key, parents);
        if (key.on_delete == OnDelete::cascade) {
            add(rows::lock_children(spi_, key, parents));
            return;
        }
        std::string reason;
        if (is_of_subject(key.child.relation)) {
            reason = "are other rows of the subject's own table";
        } else if (!leads_to_rules(key.child.relation)) {
            reason = no_rules;
        } else if (!pg::owns_relation(key.child.relation)) {
            reason = "belong to a table of another owner";
        } else {
            bool has_rules = !get_rules(get_root(key.child.relation)).empty();
            add(has_rules ? rows::lock_children(spi_, key, parents)
                          : rows::find_children(spi_, key, parents));
            return;
        }
        note_unreached(key, parents, reason);
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

    void say_unreached(const std::string &table, const std::string &reason) {
        tree_.not_reached.insert(sqltext::format("rows of %1% that %2%", table, reason));
    }

    void add(const RowSet &rows) {
        for (const auto &[relation, members] : rows::group_by_table(rows)) {
            const TableInfo table = catalog::get_table(spi_, relation);
            rows::TreeTable &place = tables_[table.relation];
            place.table = table;
            RowSet fresh;
            for (const RowId &row : members.ids()) {
                if (all_.add(row)) {
                    place.rows.add(row);
                    fresh.add(row);
                }
            }
            if (!fresh.empty()) {
                work_.emplace_back(table.relation, std::move(fresh));
            }
        }
    }

    void take(Oid relation, const rows::TreeTable &member) {
        if (member.rows.empty()) {
            return;
        }
        if (!member.table.is_registered || get_rules(relation).empty()) {
            say_unreached(member.table.name, no_rules);
            return;
        }
        tree_.rules[relation] = get_rules(relation);
        tree_.overwritten.tables[relation] = member;
        tree_.overwritten.all.add_all(member.rows);
    }

    static constexpr const char *no_rules = "reference the subject and have no rules for anonymization";

    pg::Spi &spi_;
    const TableInfo &subject_;
    std::set<Oid> leading_;
    std::map<Oid, std::vector<registry::Anonymizer>> rules_;
    std::map<Oid, rows::TreeTable> tables_;
    RowSet all_;
    std::deque<std::pair<Oid, RowSet>> work_;
    SubjectTree tree_;
};

} // namespace

SubjectTree find_subject_tree(pg::Spi &spi, const TableInfo &subject, const rows::RowTree &whole) {
    return Collector(spi, subject).run(whole);
}

} // namespace softdelete::erasure
