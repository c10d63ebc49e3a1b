// Makes the steps that bring an index about on a table and its partitions, or adopt one that is there. An invalid index
// of the right definition under our name is what an interrupted CREATE INDEX CONCURRENTLY left, and goes first. Called
// by the parts of registration that plan indexes.
#include "registration/build_index.hpp"

#include "catalog/quoting.hpp"
#include "catalog/view_catalog.hpp"

namespace softdelete::registration {

namespace {

using model::Action;
using model::IndexFacts;

bool is_equal(const IndexFacts &index, const WantedIndex &wanted) {
    return index.is_unique == wanted.is_unique && !index.is_exclusion && !index.is_constraint
           && index.predicate == wanted.predicate && index.tablespace == wanted.tablespace
           && model::get_definition_body(index) == wanted.body;
}

// An attached index can only be used in the tree that it is in.
bool is_free(const IndexFacts &index, const BuiltIndex *parent) {
    return index.parent == 0 || (parent != nullptr && index.parent == parent->oid);
}

const IndexFacts *find_equal(const TableWork &work, const WantedMember &wanted, const BuiltIndex *parent) {
    for (const IndexFacts &index : work.indexes) {
        if (index.table == wanted.member->oid && is_equal(index, wanted.index) && is_free(index, parent)
            && (index.is_valid || index.is_partitioned)) {
            return &index;
        }
    }
    return nullptr;
}

// The index under the first candidate name that is not taken by something else; null where there is none yet.
const IndexFacts *find_candidate(const TableWork &work, const WantedMember &wanted,
                                 const BuiltIndex *parent) {
    Oid schema = wanted.member->schema_oid;
    for (int number = 0; catalog::has_relation(schema, wanted.candidate(number)); number++) {
        const IndexFacts *index = work.find_index(wanted.member->oid, wanted.candidate(number));
        if (index != nullptr && is_equal(*index, wanted.index) && is_free(*index, parent)) {
            return index;
        }
    }
    return nullptr;
}

void create(TableWork &work, const WantedMember &wanted, const std::string &name) {
    const catalog::Member &member = *wanted.member;
    sqltext::Identifier quoted = catalog::identifier(name);
    work.add_online(Action::create, member.oid, "index " + quoted.text(),
                    sqltext::create_index(quoted, make_definition(member, wanted.index),
                                          work.is_plan && !member.is_partitioned()));
}

BuiltIndex build_member(TableWork &work, const WantedMember &wanted, const BuiltIndex *parent) {
    const catalog::Member &member = *wanted.member;
    const IndexFacts *existing = find_candidate(work, wanted, parent);
    if (existing == nullptr && wanted.adopts_any_name) {
        existing = find_equal(work, wanted, parent);
    }
    if (existing == nullptr) {
        BuiltIndex built = {work.names.choose(member.schema_oid, wanted.candidate), 0};
        create(work, wanted, built.name);
        return built;
    }
    if (existing->is_valid || existing->is_partitioned) {
        work.adopt(member.oid, "index " + existing->quoted_name);
        return {existing->name, existing->oid};
    }
    work.add_online(Action::drop, member.oid, "invalid index " + existing->quoted_name,
                    sqltext::drop_index(get_index_name(member, existing->name), work.is_plan));
    create(work, wanted, existing->name);
    return {existing->name, 0};
}

bool is_attached(const TableWork &work, const BuiltIndex &index, const BuiltIndex &parent) {
    for (const IndexFacts &existing : work.indexes) {
        if (existing.oid == index.oid) {
            return existing.parent != 0 && existing.parent == parent.oid;
        }
    }
    return false;
}

} // namespace

BuiltTree build_index(TableWork &work, const std::vector<WantedMember> &members) {
    BuiltTree tree;
    for (const WantedMember &wanted : members) {
        const catalog::Member &member = *wanted.member;
        auto parent = member.is_partition ? tree.find(member.parent) : tree.end();
        BuiltIndex built = build_member(work, wanted, parent == tree.end() ? nullptr : &parent->second);
        if (parent != tree.end() && !is_attached(work, built, parent->second)) {
            sqltext::QualifiedName name = get_index_name(member, built.name);
            work.add_online(
                Action::alter, member.oid,
                "index " + catalog::identifier(built.name).text() + " in "
                    + catalog::identifier(parent->second.name).text(),
                sqltext::attach_index(get_index_name(work.member(parent->first), parent->second.name), name));
        }
        tree.emplace(member.oid, built);
    }
    return tree;
}

sqltext::IndexDefinition make_definition(const catalog::Member &member, const WantedIndex &index) {
    auto expression = [](const std::optional<std::string> &text) {
        return text ? std::optional(sqltext::Expression(*text)) : std::nullopt;
    };
    return {index.is_unique,
            member.is_partitioned(),
            member.qualified,
            sqltext::Expression(index.body),
            expression(index.tablespace),
            expression(index.predicate)};
}

sqltext::QualifiedName get_index_name(const catalog::Member &member, const std::string &name) {
    return catalog::qualified_name(member.schema, name);
}

} // namespace softdelete::registration
