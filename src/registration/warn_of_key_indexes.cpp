// Warns of foreign keys that no index serves for all rows, one warning per table: keys of the table to registered ones,
// keys whose index registration takes away, and keys of other tables to this one. What serves a key is decided in
// registration/key_indexes.
#include "catalog/index_catalog.hpp"
#include "pg/quote.hpp"
#include "registration/key_indexes.hpp"
#include "registration/plan_parts.hpp"

#include <algorithm>
#include <set>

namespace softdelete::registration {

namespace {

using catalog::Member;
using catalog::OwnForeignKey;

constexpr const char *children_query =
    "SELECT DISTINCT k.conrelid FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = ANY ($1::oid[])"
    " AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid)"
    " AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = k.conrelid AND c.relispartition) ORDER BY 1";

bool is_member(const std::vector<catalog::Table> &tables, Oid relation) {
    return std::any_of(tables.begin(), tables.end(),
                       [=](const catalog::Table &table) { return table.find_member(relation) != nullptr; });
}

// Keys of one table that want an index. Those of the same columns need one.
class Unserved {
public:
    Unserved(TableWork &work, const Member &table) : work_(work), table_(table) {}

    void add(const OwnForeignKey &key) {
        if (columns_.insert(key.columns).second) {
            names_ += (names_.empty() ? "" : ", ") + pg::quote_identifier(key.name);
            commands_.push_back(make_key_index(work_, table_, key).text());
        }
    }

    // consequence: what would be slow.
    void warn(const std::string &consequence) const {
        if (commands_.empty()) {
            return;
        }
        bool is_one = commands_.size() == 1;
        work_.steps.push_back({table_.oid, (is_one ? "constraint " : "constraints ") + names_,
                               model::Action::warning, false, commands_,
                               std::string("no index serves the foreign ") + (is_one ? "key" : "keys")
                                   + " for all rows: " + consequence + " would be slow",
                               model::Concern::speed, is_one ? "An index for it" : "Indexes for them"});
    }

private:
    TableWork &work_;
    const Member &table_;
    std::string names_;
    std::vector<std::string> commands_;
    std::set<std::vector<int>> columns_;
};

void warn_of_own_keys(TableWork &work, const std::vector<catalog::Table> &together) {
    for (const Member &member : work.table.members) {
        if (member.is_partition) {
            continue;
        }
        Unserved to_registered(work, member);
        Unserved to_others(work, member);
        for (const OwnForeignKey &key : catalog::find_own_foreign_keys(work.spi, member.oid)) {
            if (is_served(work, member, key, work.going)) {
                continue;
            }
            if (is_member(together, key.parent) || catalog::has_marker(work.spi, key.parent)) {
                to_registered.add(key);
            } else if (is_served(work, member, key, {})) {
                to_others.add(key); // registration takes its index away
            }
        }
        to_registered.warn("purges of the referenced table");
        to_others.warn("deletes from the referenced table");
    }
}

} // namespace

void warn_of_key_indexes(TableWork &work, const std::vector<catalog::Table> &together) {
    warn_of_own_keys(work, together);
    std::vector<std::string> members;
    for (Oid member : work.table.member_oids()) {
        members.push_back(std::to_string(member));
    }
    for (const pg::Row &row : work.spi.query(children_query, {pg::make_array(members)})) {
        if (is_member(together, row.oid(0))) {
            continue; // it has a warning of its own
        }
        const catalog::Table child = catalog::get_table_definition(work.spi, row.oid(0));
        Unserved keys(work, child.root());
        for (const OwnForeignKey &key : catalog::find_own_foreign_keys(work.spi, child.oid)) {
            if (work.table.find_member(key.parent) != nullptr && !catalog::has_key_index(work.spi, key.oid)) {
                keys.add(key);
            }
        }
        keys.warn("deletes and purges of " + work.table.qualified.text());
    }
}

} // namespace softdelete::registration
