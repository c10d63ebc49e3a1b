// Takes an old index away and carries over what the definition of its successor does not say: comment, statistics
// targets, CLUSTER, replica identity. Called by registration/plan_conversions and registration/plan_reversals.
#include "registration/replace_index.hpp"

#include "catalog/quoting.hpp"
#include "registration/build_index.hpp"
#include "registration/index_trees.hpp"
#include "sqltext/index_statements.hpp"

namespace softdelete::registration {

using model::Action;
using model::IndexFacts;

void drop_old(TableWork &work, const IndexFacts &index, const std::string &object) {
    const catalog::Member &member = work.member(index.table);
    sqltext::Identifier name(index.quoted_name);
    work.add(Action::replace, index.table, object,
             index.is_constraint ? sqltext::drop_constraint(member.qualified, name)
                                 : sqltext::drop_index(get_index_name(member, index.name), false));
}

void keep_properties(TableWork &work, const IndexFacts &index, const std::string &object) {
    sqltext::QualifiedName name = get_index_name(work.member(index.table), index.name);
    for (const auto &[column, target] : index.statistics) {
        work.add(Action::alter, index.table, object, sqltext::set_index_statistics(name, column, target));
    }
    if (index.comment) {
        work.add(Action::alter, index.table, object,
                 sqltext::comment_on_index(name, catalog::literal(*index.comment)));
    }
}

void keep_constraint_comment(TableWork &work, const IndexFacts &index, const std::string &object,
                             const std::optional<std::string> &comment) {
    if (comment) {
        work.add(Action::alter, index.table, object,
                 sqltext::comment_on_constraint(work.member(index.table).qualified,
                                                sqltext::Identifier(index.quoted_name),
                                                catalog::literal(*comment)));
    }
}

void attach_again(TableWork &work, const std::vector<const IndexFacts *> &tree, const char *kind) {
    for (const IndexFacts *index : tree) {
        for (const IndexFacts *child : get_attached(work.indexes, *index)) {
            work.add(Action::replace, child->table, kind + child->quoted_name,
                     sqltext::attach_index(get_index_name(work.member(index->table), index->name),
                                           get_index_name(work.member(child->table), child->name)));
        }
    }
}

} // namespace softdelete::registration
