// Event triggers call this after ALTER TABLE and CREATE INDEX. It takes the conversion of an index back, as unregister() does, for one
// index and those attached to it; which index serves a key is decided in registration/key_indexes.
#include "ddl/widen_key_indexes.hpp"

#include "ddl/parse_tree.hpp"
#include "model/index_decision.hpp"
#include "model/predicate.hpp"
#include "pg/spi.hpp"
#include "registration/index_trees.hpp"
#include "registration/key_indexes.hpp"
#include "registration/plan_parts.hpp"
#include "registration/run_steps.hpp"
#include "registry/registered_names.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::ddl {

namespace {

using catalog::Member;
using catalog::OwnForeignKey;
using model::IndexFacts;

// A foreign key that a command adds.
struct AddedKey {
    std::string columns; // as OwnForeignKey::column_list
    bool is_validated;
};

std::vector<AddedKey> get_added_keys(const Node *statement) {
    std::vector<AddedKey> keys;
    if (!IsA(statement, AlterTableStmt)) {
        return keys;
    }
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        const Constraint *added = get_added_key(lfirst_node(AlterTableCmd, cell));
        if (added != nullptr) {
            keys.push_back({join_columns(added->fk_attrs), !added->skip_validation});
        }
    }
    return keys;
}

// The index that was made partial though it begins with the key's columns; null where there is none.
const IndexFacts *find_partial(const registration::TableWork &work, const Member &member,
                               const OwnForeignKey &key) {
    for (const IndexFacts &index : work.indexes) {
        std::string live = registration::get_live_condition(work.settings());
        if (index.table == member.oid && index.parent == 0 && index.predicate
            && model::has_condition(*index.predicate, live) && model::leads_with(index, key.columns)
            && !model::remove_condition(*index.predicate, live)) {
            return &index;
        }
    }
    return nullptr;
}

void widen(registration::TableWork &work, const IndexFacts &index,
           const std::vector<registry::ConvertedIndex> &records) {
    for (const registry::ConvertedIndex &record : records) {
        if (record.relation == index.table && record.name == index.name) {
            registration::plan_reversals(work, {record});
            registration::run_steps(work.spi, work.steps);
            work.steps.clear();
        }
    }
    for (const IndexFacts *member : registration::get_tree(work.indexes, index)) {
        registry::delete_converted_index(work.spi, member->table, member->name);
    }
    registration::record_whole_indexes(work.spi, work.table, work.registration);
}

void warn(registration::TableWork &work, const Member &member, const OwnForeignKey &key) {
    std::string what = catalog::has_marker(work.spi, key.parent) ? "purges of " : "deletes from ";
    pg::warn("no index serves foreign key \"" + key.name + "\" for all rows: " + what
                 + catalog::get_qualified_name(work.spi, key.parent).text() + " would be slow",
             "Run " + registration::make_key_index(work, member, key, true).text() + ".");
}

void widen_for_key(registration::TableWork &work, const Member &member, const OwnForeignKey &key,
                   bool is_validated) {
    const IndexFacts *index =
        registration::is_served(work, member, key, {}) ? nullptr : find_partial(work, member, key);
    if (index == nullptr) {
        return;
    }
    auto records = registry::find_converted_indexes(work.spi, {member.oid});
    bool is_authors = std::any_of(records.begin(), records.end(), [&](const auto &record) {
        return record.name == index->name && record.is_authors();
    });
    if (index->is_unique || is_authors || !is_validated) {
        warn(work, member, key);
        return;
    }
    widen(work, *index, records);
}

std::optional<registry::Registration> find_registered(pg::Spi &spi, Oid relation) {
    if (!OidIsValid(relation) || !pg::call([&] { return session::is_registered_table(relation); })) {
        return std::nullopt;
    }
    const std::optional<Oid> root = registry::find_registered_root(spi, relation);
    return root ? registry::find_registration(spi, *root) : std::nullopt;
}

} // namespace

void note_whole_index(const DdlCommand &command) {
    if (!IsA(command.node, IndexStmt)) {
        return;
    }
    pg::Spi spi;
    if (const auto found = find_registered(spi, command.relation)) {
        registration::record_whole_indexes(spi, catalog::get_table_definition(spi, found->relation), *found);
    }
}

void widen_key_indexes(const DdlCommand &command) {
    std::vector<AddedKey> added = get_added_keys(command.node);
    if (added.empty()) {
        return;
    }
    pg::Spi spi;
    const auto registration = find_registered(spi, command.relation);
    if (!registration) {
        return;
    }
    catalog::Table table = catalog::get_table_definition(spi, registration->relation);
    for (const OwnForeignKey &key : catalog::find_own_foreign_keys(spi, command.relation)) {
        for (const AddedKey &one : added) {
            if (key.is_enforced && one.columns == key.column_list.text()) {
                registration::TableWork work = registration::begin_work(spi, table, *registration, false);
                widen_for_key(work, work.member(command.relation), key, one.is_validated);
            }
        }
    }
}

} // namespace softdelete::ddl
