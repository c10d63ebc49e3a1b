// The part of registration that makes the indexes of softdelete itself: on deleted_at and on deletion_id, of deleted
// rows only.
#include "catalog/quoting.hpp"
#include "registration/added_marks.hpp"
#include "registration/additions.hpp"
#include "registration/build_index.hpp"
#include "registration/plan_parts.hpp"
#include "sqltext/table_statements.hpp"

namespace softdelete::registration {

namespace {

using catalog::Member;

WantedMember describe_member(const Member &member, const std::string &column) {
    std::string quoted = pg::quote_identifier(column);
    WantedIndex index = {false, "USING btree (" + quoted + ")", "(" + quoted + " IS NOT NULL)", std::nullopt};
    auto candidate = [&member, column](int number) {
        return pg::make_object_name(member.name, column, numbered("idx", number));
    };
    return {&member, index, candidate, true};
}

// A member that is no partition, and its partitions.
std::vector<WantedMember> describe_members(const TableWork &work, const Member &top,
                                           const std::string &column) {
    std::vector<WantedMember> members;
    for (const Member &member : work.table.members) {
        bool belongs = member.oid == top.oid || (member.is_partition && !members.empty());
        if (belongs) {
            members.push_back(describe_member(member, column));
        }
    }
    return members;
}

bool is_marked(const TableWork &work, unsigned int oid) {
    for (const model::IndexFacts &index : work.indexes) {
        if (index.oid == oid) {
            return index.comment == added_index_mark;
        }
    }
    return false;
}

void plan_index(TableWork &work, const Member &top, const std::string &column) {
    BuiltTree tree = build_index(work, describe_members(work, top, column));
    for (const auto &[member, built] : tree) {
        work.own_indexes.push_back(built.oid);
    }
    const BuiltIndex &index = tree.at(top.oid);
    bool is_known = index.oid != 0 && is_marked(work, index.oid);
    if (index.oid != 0 && !is_known && !is_addition(work, catalog::identifier(index.name).text())) {
        return;
    }
    if (!is_known) {
        work.comments.push_back(
            sqltext::comment_on_index(get_index_name(top, index.name), catalog::literal(added_index_mark)));
    }
    work.registration.added_indexes.push_back(index.name);
}

} // namespace

void plan_own_indexes(TableWork &work) {
    for (const Member &member : work.table.members) {
        if (!member.is_partition) {
            plan_index(work, member, work.settings().deleted_at);
            plan_index(work, member, deletion_id_column);
        }
    }
}

} // namespace softdelete::registration
