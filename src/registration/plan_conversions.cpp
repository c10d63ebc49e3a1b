// The part of registration that makes the user's indexes and constraints partial: each is built anew beside the old
// one, which then goes and leaves its name. What becomes of an index is decided in model/index_decision;
// registration/plan_reversals is the way back.
#include "catalog/index_catalog.hpp"
#include "catalog/quoting.hpp"
#include "model/index_decision.hpp"
#include "model/predicate.hpp"
#include "registration/build_index.hpp"
#include "registration/constraint_definitions.hpp"
#include "registration/index_trees.hpp"
#include "registration/plan_parts.hpp"
#include "registration/replace_index.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>
#include <set>

namespace softdelete::registration {

namespace {

using catalog::Member;
using model::Action;
using model::Conversion;
using model::IndexFacts;

const char *kind_of(Conversion conversion) {
    switch (conversion) {
    case Conversion::unique:
        return "unique";
    case Conversion::exclusion:
        return "exclude";
    case Conversion::deferrable:
        return "unique deferrable";
    default:
        return "index";
    }
}

void note_converted(TableWork &work, const IndexFacts &index, Conversion conversion) {
    work.converted.push_back({index.table, index.name, kind_of(conversion),
                              index.is_constraint ? index.constraint_definition : index.definition,
                              index.is_deferrable, index.is_initially_deferred, index.is_clustered,
                              index.constraint_comment});
    if (index.is_clustered) {
        work.warn(model::warning::clustered_index_lost, index.table, model::describe(index),
                  "the table is no longer clustered on it, which a partial index does not allow");
    }
}

WantedMember describe_live_index(const TableWork &work, const IndexFacts &index) {
    const Member &member = work.member(index.table);
    WantedIndex wanted = {index.is_unique, model::get_definition_body(index),
                          model::add_condition(index.predicate, get_live_condition(work.settings())),
                          index.tablespace};
    auto candidate = [name = index.name](int number) {
        return pg::make_object_name(name, "", numbered("live", number));
    };
    return {&member, wanted, candidate, false};
}

// An index, or a UNIQUE constraint that becomes one. Returns the indexes that take its place.
BuiltTree convert_to_index(TableWork &work, const std::vector<const IndexFacts *> &tree) {
    std::vector<WantedMember> members;
    for (const IndexFacts *index : tree) {
        members.push_back(describe_live_index(work, *index));
    }
    BuiltTree built = build_index(work, members);
    drop_old(work, *tree.front(), model::describe(*tree.front()));
    for (const IndexFacts *index : tree) {
        const Member &member = work.member(index->table);
        work.add(Action::replace, index->table, model::describe(*index),
                 sqltext::rename_index(get_index_name(member, built.at(index->table).name),
                                       sqltext::Identifier(index->quoted_name)));
        keep_properties(work, *index, model::describe(*index));
    }
    return built;
}

// Exclusion constraints cannot be built online, nor attached under another name: the old one goes first.
void convert_to_exclusion(TableWork &work, const std::vector<const IndexFacts *> &tree,
                          Conversion conversion) {
    drop_old(work, *tree.front(), model::describe(*tree.front()));
    for (const IndexFacts *index : tree) {
        const Member &member = work.member(index->table);
        sqltext::Expression definition =
            conversion == Conversion::deferrable
                ? make_live_deferrable(*index, catalog::get_equality_operators(work.spi, index->oid),
                                       get_live_condition(work.settings()))
                : make_exclusion(*index,
                                 model::add_condition(index->predicate, get_live_condition(work.settings())));
        work.add(Action::replace, index->table, model::describe(*index),
                 sqltext::add_constraint(member.qualified, member.is_partitioned(),
                                         sqltext::Identifier(index->quoted_name), definition));
        keep_properties(work, *index, model::describe(*index));
        keep_constraint_comment(work, *index, model::describe(*index), index->constraint_comment);
    }
    attach_again(work, tree, "constraint ");
}

bool serves_foreign_key(TableWork &work, const IndexFacts &index) {
    for (const catalog::OwnForeignKey &key : catalog::find_own_foreign_keys(work.spi, index.table)) {
        if (model::leads_with(index, key.columns)) {
            return true;
        }
    }
    return false;
}

model::IndexDecision decide(TableWork &work, const IndexFacts &index) {
    return model::decide(index, {work.settings().indexes, get_live_condition(work.settings()),
                                 serves_foreign_key(work, index), work.member(index.table).is_partitioned()});
}

// ON CONFLICT ON CONSTRAINT needs a constraint.
void warn_of_lost_names(TableWork &work, const std::vector<std::string> &names) {
    if (names.empty()) {
        return;
    }
    std::string list;
    for (const std::string &name : names) {
        list += (list.empty() ? "" : ", ") + name;
    }
    work.warn(model::warning::constraint_names_lost, work.table.oid, "ON CONFLICT ON CONSTRAINT",
              "no longer possible with these, and no new foreign key can reference their columns: " + list,
              "Name the columns instead, as in ON CONFLICT (column).");
}

bool is_conversion(Conversion conversion) {
    return conversion == Conversion::index || conversion == Conversion::unique
           || conversion == Conversion::exclusion || conversion == Conversion::deferrable;
}

struct Outcome {
    std::set<unsigned int> replaced;                    // indexes that become partial or go
    std::set<std::pair<Oid, std::string>> replacements; // indexes that take their places, by table and name
    std::vector<std::string> lost_names;
};

void convert(TableWork &work, const IndexFacts &index, Conversion conversion, Outcome &outcome) {
    std::vector<const IndexFacts *> tree = get_tree(work.indexes, index);
    for (const IndexFacts *member : tree) {
        note_converted(work, *member, conversion);
        outcome.replaced.insert(member->oid);
    }
    // Neither was possible with the others.
    if (index.is_constraint && !index.is_exclusion && !index.is_deferrable) {
        outcome.lost_names.push_back(index.quoted_name);
    }
    if (conversion == Conversion::exclusion || conversion == Conversion::deferrable) {
        convert_to_exclusion(work, tree, conversion);
        return;
    }
    std::size_t first = work.steps.size();
    for (const auto &[member, built] : convert_to_index(work, tree)) {
        outcome.replacements.insert({member, built.name});
    }
    auto step = std::find_if(work.steps.begin() + static_cast<std::ptrdiff_t>(first), work.steps.end(),
                             [](const model::Step &one) { return !one.is_online && one.runs(); });
    if (index.is_constraint && step != work.steps.end()) {
        step->remark = "an index from now on: tools that read constraints do not find it";
    }
}

// Its key is not unique among live rows, but among all. What is not unique does no harm.
void leave_whole(TableWork &work, const IndexFacts &index) {
    if (index.is_unique) {
        work.warn(model::warning::unconverted_index, index.table, model::describe(index),
                  "nothing needs it for all rows any more; it covers deleted rows too, so that their values "
                  "stay taken",
                  "To have it cover live rows only",
                  sqltext::statement("SELECT * FROM softdelete.configure(%1%, indexes => %2%)",
                                     catalog::literal(work.table.qualified.text()),
                                     catalog::literal(model::to_text(work.settings().indexes))));
    } else {
        work.keep(index.table, model::describe(index), "it was needed for all rows");
    }
}

void plan_index(TableWork &work, const IndexFacts &index, Outcome &outcome) {
    model::IndexDecision decision = decide(work, index);
    const bool is_left = work.whole.contains({index.table, index.name});
    if (decision.is_needed && !is_left) {
        work.converted.push_back(
            {index.table, index.name, "whole", index.definition, false, false, false, std::nullopt});
    }
    if (is_left && is_conversion(decision.conversion)) {
        leave_whole(work, index);
        return;
    }
    switch (decision.conversion) {
    case Conversion::none:
        return;
    case Conversion::keep:
        work.keep(index.table, model::describe(index), decision.reason);
        return;
    case Conversion::warn:
        if (!index.is_valid && !index.is_partitioned) {
            work.warn(model::warning::unconverted_index, index.table, model::describe(index), decision.reason,
                      "To rebuild it",
                      sqltext::statement("REINDEX INDEX CONCURRENTLY %1%",
                                         get_index_name(work.member(index.table), index.name)));
        } else {
            work.warn(model::warning::unconverted_index, index.table, model::describe(index),
                      decision.reason);
        }
        return;
    case Conversion::adopt:
        work.adopt(index.table, model::describe(index));
        return;
    default:
        convert(work, index, decision.conversion, outcome);
    }
}

} // namespace

void plan_conversions(TableWork &work) {
    Outcome outcome;
    // Conversions first: what an earlier run of the plan built for them is no index of its own.
    for (bool converts : {true, false}) {
        for (const IndexFacts &index : work.indexes) {
            bool is_own = std::find(work.own_indexes.begin(), work.own_indexes.end(), index.oid)
                          != work.own_indexes.end();
            if (index.parent == 0 && !is_own && !outcome.replacements.contains({index.table, index.name})
                && is_conversion(decide(work, index).conversion) == converts) {
                plan_index(work, index, outcome);
            }
        }
    }
    warn_of_lost_names(work, outcome.lost_names);
    work.going = outcome.replaced;
}

void record_whole_indexes(pg::Spi &spi, const catalog::Table &table,
                          const registry::Registration &registration) {
    TableWork work = begin_work(spi, table, registration, false);
    work.whole = registry::find_whole_indexes(spi, table.member_oids());
    plan_conversions(work);
    for (const registry::ConvertedIndex &index : work.converted) {
        if (index.is_whole()) {
            registry::insert_converted_index(spi, index);
        }
    }
}

} // namespace softdelete::registration
