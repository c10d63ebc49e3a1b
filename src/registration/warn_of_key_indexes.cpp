// Warns of foreign keys that no index serves for all rows, one warning per table: keys of the table to registered ones,
// keys whose index registration takes away, and keys of other tables to this one. A warning says whose deletes or purges
// are slow. What serves a key is decided in registration/key_indexes.
#include "catalog/index_catalog.hpp"
#include "catalog/referencing_constraints.hpp"
#include "pg/quote.hpp"
#include "registration/key_indexes.hpp"
#include "registration/plan_parts.hpp"
#include "registry/registered_names.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

#include <algorithm>
#include <map>
#include <set>

namespace softdelete::registration {

namespace {

using catalog::Member;
using catalog::OwnForeignKey;

constexpr const char *children_query =
    "SELECT DISTINCT k.conrelid FROM pg_constraint k WHERE k.contype = 'f' AND k.oid = ANY ($2) AND "
    "k.confrelid = ANY ($1)"
    " AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid)"
    " AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = k.conrelid AND c.relispartition) ORDER BY 1";

bool is_member(const std::vector<catalog::Table> &tables, Oid relation) {
    return std::any_of(tables.begin(), tables.end(),
                       [=](const catalog::Table &table) { return table.find_member(relation) != nullptr; });
}

// What is slow without an index of all rows.
enum class Slow { native_deletes, purges, deletes_and_purges };

std::string describe(Slow slow, const std::string &parents) {
    switch (slow) {
    case Slow::native_deletes:
        return "deletes from " + parents;
    case Slow::purges:
        return "purges of " + parents;
    case Slow::deletes_and_purges:
        return "deletes and purges of " + parents;
    }
    return {};
}

// Keys of one table that want an index. Those of the same columns need one.
class Unserved {
public:
    Unserved(TableWork &work, const Member &table) : work_(work), table_(table) {}

    void add(const OwnForeignKey &key, Slow slow) {
        if (columns_.insert(key.columns).second) {
            keys_.push_back(key);
        }
        std::vector<std::string> &parents = parents_[slow];
        std::string parent = catalog::get_qualified_name(work_.spi, key.parent).text();
        if (std::find(parents.begin(), parents.end(), parent) == parents.end()) {
            parents.push_back(parent);
        }
    }

    void warn() const {
        if (keys_.empty()) {
            return;
        }
        // Several CONCURRENTLY are not one command.
        bool is_one = keys_.size() == 1;
        std::string names;
        std::vector<std::string> commands;
        for (const OwnForeignKey &key : keys_) {
            names += (names.empty() ? "" : ", ") + pg::quote_identifier(key.name);
            commands.push_back(make_key_index(work_, table_, key, is_one).text());
        }
        std::string advice = is_one ? "An index for it" : "Indexes for them";
        if (!is_one && !table_.is_partitioned()) {
            advice += " (writes wait meanwhile; one by one, they can be built CONCURRENTLY)";
        }
        work_.steps.push_back({table_.oid, (is_one ? "constraint " : "constraints ") + names,
                               model::Action::warning, false, commands,
                               std::string("no index serves the foreign ") + (is_one ? "key" : "keys")
                                   + " for all rows: " + consequences() + " would be slow",
                               model::warning::missing_key_index, advice});
    }

private:
    std::string consequences() const {
        std::string text;
        for (const auto &[slow, parents] : parents_) {
            std::string list;
            for (const std::string &parent : parents) {
                list += (list.empty() ? "" : ", ") + parent;
            }
            text += (text.empty() ? "" : ", and ") + describe(slow, list);
        }
        return text;
    }

    TableWork &work_;
    const Member &table_;
    std::vector<OwnForeignKey> keys_;
    std::map<Slow, std::vector<std::string>> parents_;
    std::set<std::vector<int>> columns_;
};

void warn_of_own_keys(TableWork &work, const std::vector<catalog::Table> &together) {
    for (const Member &member : work.table.members) {
        if (member.is_partition) {
            continue;
        }
        Unserved keys(work, member);
        for (const OwnForeignKey &key : catalog::find_own_foreign_keys(work.spi, member.oid)) {
            if (!key.is_enforced || is_served(work, member, key, work.going)) {
                continue;
            }
            if (is_member(together, key.parent) || catalog::has_marker(work.spi, key.parent)) {
                bool reads = is_read_by_soft_delete(key, true) && !is_served_for_live(work, member, key);
                keys.add(key, reads ? Slow::deletes_and_purges : Slow::purges);
            } else if (is_served(work, member, key, {})) {
                keys.add(key, Slow::native_deletes); // registration takes its index away
            }
        }
        keys.warn();
    }
}

// Keys of another table to this one.
void warn_of_child(TableWork &work, Oid relation) {
    std::optional<Oid> root = registry::find_registered_root(work.spi, relation);
    std::optional<registry::Registration> registration =
        root ? registry::find_registration(work.spi, *root) : std::nullopt;
    const catalog::Table table = catalog::get_table_definition(work.spi, registration ? *root : relation);
    const TableWork child = begin_work(work.spi, table, registration.value_or(work.registration), true);
    const Member &member = child.member(relation);
    Unserved keys(work, member);
    for (const OwnForeignKey &key : catalog::find_own_foreign_keys(work.spi, relation)) {
        if (!key.is_enforced || work.table.find_member(key.parent) == nullptr
            || is_served(child, member, key, {})) {
            continue;
        }
        bool reads = is_read_by_soft_delete(key, registration.has_value() || gets_archive(work, relation))
                     && !(registration && is_served_for_live(child, member, key));
        keys.add(key, reads ? Slow::deletes_and_purges : Slow::purges);
    }
    keys.warn();
}

} // namespace

void warn_of_key_indexes(TableWork &work, const std::vector<catalog::Table> &together) {
    warn_of_own_keys(work, together);
    std::vector<std::string> members;
    for (Oid member : work.table.member_oids()) {
        members.push_back(std::to_string(member));
    }
    for (const pg::Row &row : work.spi.query_kept(
             children_query, {pg::Parameter(pg::make_array(members), OIDARRAYOID),
                              catalog::find_referencing_constraints(work.spi, work.table.member_oids())})) {
        if (!is_member(together, row.oid(0))) { // these have warnings of their own
            warn_of_child(work, row.oid(0));
        }
    }
}

} // namespace softdelete::registration
