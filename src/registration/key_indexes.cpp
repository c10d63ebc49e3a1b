// Which index serves a foreign key, and the statement that makes one. For the warnings and steps of register(), and for
// ddl/widen_key_indexes.
#include "registration/key_indexes.hpp"

#include "catalog/quoting.hpp"
#include "model/index_decision.hpp"
#include "model/predicate.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "registration/build_index.hpp"
#include "registration/plan_parts.hpp"

#include <algorithm>

namespace softdelete::registration {

namespace {

using catalog::Member;
using catalog::OwnForeignKey;
using model::IndexFacts;

bool is_whole(const IndexFacts &index, const OwnForeignKey &key) {
    return !index.predicate
           || (key.columns.size() == 1 && index.predicate == "(" + key.column_list.text() + " IS NOT NULL)");
}

bool is_usable(const IndexFacts &index, const Member &member, const OwnForeignKey &key) {
    return index.table == member.oid && index.is_valid && model::leads_with(index, key.columns);
}

} // namespace

bool is_served(const TableWork &work, const Member &member, const OwnForeignKey &key,
               const std::set<unsigned int> &going) {
    return std::any_of(work.indexes.begin(), work.indexes.end(), [&](const IndexFacts &index) {
        return is_usable(index, member, key) && !going.contains(index.oid) && is_whole(index, key);
    });
}

bool is_served_for_live(const TableWork &work, const Member &member, const OwnForeignKey &key) {
    return std::any_of(work.indexes.begin(), work.indexes.end(), [&](const IndexFacts &index) {
        return is_usable(index, member, key)
               && (is_whole(index, key) || index.predicate == get_live_condition(work.settings()));
    });
}

bool is_read_by_soft_delete(const OwnForeignKey &key, bool is_registered) {
    return key.cascades ? is_registered : !key.keeps_link;
}

sqltext::Statement make_key_index(TableWork &work, const Member &member, const OwnForeignKey &key,
                                  bool concurrently) {
    WantedIndex wanted = {false, "USING btree (" + key.column_list.text() + ")", std::nullopt, std::nullopt};
    sqltext::IndexDefinition definition = make_definition(member, wanted);
    definition.is_only = false;
    std::string name = work.names.choose(member.schema_oid, [&](int number) {
        return pg::make_object_name(member.name, key.joined_columns, numbered("idx", number));
    });
    return sqltext::create_index(catalog::identifier(name), definition,
                                 concurrently && !member.is_partitioned());
}

} // namespace softdelete::registration
