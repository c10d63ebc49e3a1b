// Steps that bring an index of a given definition about, on a table and all its partitions: adopted where it is there,
// built otherwise, online where the steps are a plan.
#pragma once

#include "registration/table_work.hpp"
#include "sqltext/index_statements.hpp"

#include <functional>
#include <map>
#include <string>

namespace softdelete::registration {

struct WantedIndex {
    bool is_unique;
    std::string body;                      // USING ...
    std::optional<std::string> predicate;  // as the server deparses it
    std::optional<std::string> tablespace; // quoted
};

struct BuiltIndex {
    std::string name;
    unsigned int oid; // 0 where it is to be made
};

// The indexes that are there or will be, by the member that has them.
using BuiltTree = std::map<Oid, BuiltIndex>;

// Describes what one member needs: its own definition and the names to try.
struct WantedMember {
    const catalog::Member *member;
    WantedIndex index;
    std::function<std::string(int)> candidate;
    bool adopts_any_name; // an equal index under another name will do
};

// members: a table and its partitions, parents first.
BuiltTree build_index(TableWork &work, const std::vector<WantedMember> &members);

// The definition for a member.
sqltext::IndexDefinition make_definition(const catalog::Member &member, const WantedIndex &index);

sqltext::QualifiedName get_index_name(const catalog::Member &member, const std::string &name);

} // namespace softdelete::registration
