// Takes conversions of indexes and constraints back: from what is there now without our condition, so that renamed
// columns are followed, and from the recorded definition where the index is gone. Called by unregister(), configure()
// and ddl/widen_key_indexes.
#include "catalog/quoting.hpp"
#include "model/predicate.hpp"
#include "registration/build_index.hpp"
#include "registration/constraint_definitions.hpp"
#include "registration/index_trees.hpp"
#include "registration/plan_parts.hpp"
#include "registration/replace_index.hpp"
#include "sqltext/index_statements.hpp"

namespace softdelete::registration {

namespace {

using model::Action;
using model::IndexFacts;
using registry::ConvertedIndex;

// Partitions that came later have no record of their own: the root's holds for them.
const ConvertedIndex &get_record(const std::vector<ConvertedIndex> &records, const IndexFacts &index,
                                 const ConvertedIndex &root) {
    for (const ConvertedIndex &record : records) {
        if (record.relation == index.table && record.name == index.name) {
            return record;
        }
    }
    return root;
}

sqltext::Statement restore_index(const TableWork &work, const IndexFacts &index, const std::string &kind,
                                 bool is_initially_deferred) {
    const catalog::Member &member = work.member(index.table);
    sqltext::Identifier name(index.quoted_name);
    auto predicate = model::remove_condition(*index.predicate, get_live_condition(work.settings()));
    auto add = [&](const sqltext::Expression &definition) {
        return sqltext::add_constraint(member.qualified, member.is_partitioned(), name, definition);
    };
    if (kind == "unique") {
        return add(make_unique(index, false, false));
    }
    if (kind == "unique deferrable") {
        return add(make_unique(index, true, is_initially_deferred));
    }
    if (kind == "exclude") {
        return add(make_exclusion(index, predicate));
    }
    WantedIndex wanted = {index.is_unique, model::get_definition_body(index), predicate, index.tablespace};
    return sqltext::create_index(name, make_definition(member, wanted), false);
}

// COMMENT ON CONSTRAINT of a constraint that is an index meanwhile put the comment there.
IndexFacts without_constraint_comment(IndexFacts index, const std::string &kind,
                                      const ConvertedIndex &record) {
    if (kind == "unique" && index.comment == record.comment) {
        index.comment = std::nullopt;
    }
    return index;
}

void restore_tree(TableWork &work, const std::vector<ConvertedIndex> &records, const ConvertedIndex &root,
                  const IndexFacts &root_index) {
    std::vector<const IndexFacts *> tree = get_tree(work.indexes, root_index);
    const char *kind = root.is_constraint() ? "constraint " : "index ";
    drop_old(work, root_index, kind + root_index.quoted_name);
    for (const IndexFacts *index : tree) {
        const ConvertedIndex &record = get_record(records, *index, root);
        bool is_known = record.relation == index->table;
        std::string object = kind + index->quoted_name;
        work.add(Action::replace, index->table, object,
                 restore_index(work, *index, root.kind, root.is_initially_deferred));
        keep_properties(work, without_constraint_comment(*index, root.kind, record), object);
        if (root.is_constraint()) {
            auto comment = index->is_constraint ? index->constraint_comment : record.comment;
            keep_constraint_comment(work, *index, object, is_known ? comment : std::nullopt);
        }
        if (is_known && record.is_clustered) {
            work.add(Action::alter, index->table, object,
                     sqltext::cluster_on(work.member(index->table).qualified,
                                         sqltext::Identifier(index->quoted_name)));
        }
    }
    attach_again(work, tree, kind);
}

// The index was dropped or renamed meanwhile.
void restore_from_record(TableWork &work, const ConvertedIndex &record) {
    sqltext::Expression definition(record.definition);
    sqltext::Identifier name = catalog::identifier(record.name);
    bool is_index = !record.is_constraint();
    work.add(Action::create, record.relation, (is_index ? "index " : "constraint ") + name.text(),
             is_index
                 ? sqltext::statement("%1%", definition)
                 : sqltext::add_constraint(work.member(record.relation).qualified, false, name, definition));
}

} // namespace

void plan_reversals(TableWork &work, const std::vector<ConvertedIndex> &records) {
    for (const ConvertedIndex &record : records) {
        const IndexFacts *index = work.find_index(record.relation, record.name);
        if (index == nullptr) {
            if (!work.member(record.relation).is_partition) {
                restore_from_record(work, record);
            }
        } else if (index->parent == 0 && index->predicate
                   && model::has_condition(*index->predicate, get_live_condition(work.settings()))) {
            restore_tree(work, records, record, *index);
        }
    }
}

} // namespace softdelete::registration
