// The server would drop some of these without a word, and refuse for others with a hint that names CASCADE, which is not there to be
// said. Called by registration/unregister_table and, before a row moves, by archive/change_parts.
#include "registration/column_dependents.hpp"

#include "catalog/quoting.hpp"
#include "model/predicate.hpp"
#include "registration/build_index.hpp"
#include "registration/plan_parts.hpp"
#include "sqltext/format.hpp"
#include "sqltext/index_statements.hpp"

#include <algorithm>
#include <cctype>

namespace softdelete::registration {

namespace {

using model::Action;
using model::IndexFacts;

bool has_name(const std::vector<std::string> &names, const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_of_a_name(char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '$'
           || static_cast<unsigned char>(letter) >= 0x80;
}

// As a word of its own: says yes where a constant has it, too.
bool names_column(const std::string &sql, const std::string &column) {
    for (std::size_t at = sql.find(column); at != std::string::npos; at = sql.find(column, at + 1)) {
        std::size_t end = at + column.size();
        if ((at == 0 || !is_of_a_name(sql[at - 1])) && (end == sql.size() || !is_of_a_name(sql[end]))) {
            return true;
        }
    }
    return false;
}

// Does the index name one of the columns, in what it has besides this predicate?
bool names_columns(const IndexFacts &index, const std::string &predicate,
                   const std::vector<std::string> &columns) {
    std::string parts = predicate;
    for (const std::vector<std::string> &part : {index.keys, index.included}) {
        for (const std::string &key : part) {
            parts += " " + key;
        }
    }
    return std::any_of(columns.begin(), columns.end(), [&](const std::string &column) {
        return names_column(parts, catalog::identifier(column).text());
    });
}

// Does it need the columns for nothing but the condition that the row is live?
bool has_live_condition_alone(const TableWork &work, const IndexFacts &index,
                              const std::vector<std::string> &columns) {
    const std::string condition = get_live_condition(work.settings());
    return index.predicate && model::has_condition(*index.predicate, condition)
           && !names_columns(index, model::remove_condition(*index.predicate, condition).value_or(""),
                             columns);
}

bool is_own(const TableWork &work, const IndexFacts &index) {
    return has_name(work.registration.added_indexes, index.name)
           || std::find(work.own_indexes.begin(), work.own_indexes.end(), index.oid)
                  != work.own_indexes.end();
}

bool goes_with(const TableWork &work, const IndexFacts &index, const std::vector<std::string> &columns) {
    return index.mentions_deletion && names_columns(index, index.predicate.value_or(""), columns)
           && !has_live_condition_alone(work, index, columns);
}

// Those that the columns would take along, each with its partitions'.
std::vector<const IndexFacts *> find_losing_indexes(const TableWork &work,
                                                    const std::vector<std::string> &columns) {
    std::vector<const IndexFacts *> found;
    for (const IndexFacts &index : work.indexes) {
        if (index.parent == 0 && !has_name(work.registration.added_indexes, index.name)
            && goes_with(work, index, columns)) {
            found.push_back(&index);
        }
    }
    return found;
}

bool binds_rows(const IndexFacts &index) {
    return index.is_unique || index.is_exclusion || index.is_primary;
}

// Beside indexes and what they belong to. A command: it goes with the columns.
constexpr const char *dependents_query = R"(
    WITH going AS (
        SELECT a.attrelid, a.attnum FROM pg_attribute a
        WHERE a.attrelid = ANY ($1::oid[]) AND a.attname = ANY ($2::name[]) AND a.attnum > 0
    ), dependents AS (
        SELECT DISTINCT d.classid, d.objid, d.objsubid FROM pg_depend d JOIN going g ON g.attrelid = d.refobjid AND g.attnum = d.refobjsubid
        WHERE d.refclassid = 'pg_class'::regclass AND d.deptype IN ('n', 'a')
    )
    SELECT DISTINCT coalesce(k.conrelid, $3::oid),
           CASE WHEN k.contype = 'f' AND k.conrelid = $3::oid THEN format('constraint %I', k.conname)
                WHEN s.oid IS NOT NULL THEN format('statistics %I', s.stxname)
                WHEN r.oid IS NULL THEN pg_describe_object(d.classid, d.objid, d.objsubid)
                ELSE pg_describe_object('pg_class'::regclass, r.ev_class, 0) END,
           CASE WHEN k.contype = 'f' AND k.conrelid = ANY ($1::oid[]) AND NOT EXISTS (
                         SELECT FROM unnest(k.conkey) c (attnum)
                         WHERE NOT EXISTS (SELECT FROM going g WHERE g.attrelid = k.conrelid AND g.attnum = c.attnum))
                    THEN format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname)
                WHEN s.oid IS NOT NULL THEN format('DROP STATISTICS %I.%I', s.stxnamespace::regnamespace, s.stxname)
           END
    FROM dependents d
    LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
    LEFT JOIN pg_statistic_ext s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
    LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
    LEFT JOIN pg_attrdef e ON d.classid = 'pg_attrdef'::regclass AND e.oid = d.objid
    LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
    LEFT JOIN pg_class v ON v.oid = r.ev_class
    WHERE (d.classid <> 'pg_class'::regclass OR d.objsubid <> 0)
    AND (k.contype IN ('p', 'u', 'x', 'n') OR k.conparentid <> 0) IS NOT TRUE
    AND (t.tgisinternal OR t.tgparentid <> 0 OR EXISTS (
            SELECT FROM pg_depend o JOIN pg_extension x ON x.oid = o.refobjid AND x.extname = 'softdelete'
            WHERE o.classid = 'pg_proc'::regclass AND o.objid = t.tgfoid AND o.deptype = 'e')) IS NOT TRUE
    AND (EXISTS (SELECT FROM going g WHERE g.attrelid = e.adrelid AND g.attnum = e.adnum)) IS NOT TRUE
    AND (p.polname IN ('softdelete_live', 'softdelete_default')) IS NOT TRUE
    AND (v.relname = ANY ($4::name[]) AND v.relnamespace = $5::oid) IS NOT TRUE
    ORDER BY 2)";

struct Dependent {
    Oid relation;
    std::string object;
    std::optional<std::string> drop;
};

std::vector<Dependent> find_dependents(const TableWork &work, const std::vector<std::string> &columns) {
    std::vector<std::string> members;
    for (Oid member : work.table.member_oids()) {
        members.push_back(std::to_string(member));
    }
    const model::TableSettings &settings = work.settings();
    std::vector<Dependent> found;
    for (const pg::Row &row : work.spi.query_kept(
             dependents_query,
             {pg::make_array(members), pg::make_array(columns), work.table.oid,
              pg::make_array({settings.active_view, settings.deleted_view, settings.all_view}),
              work.table.schema_oid})) {
        found.push_back({row.oid(0), row.text(1), row.value(2)});
    }
    return found;
}

} // namespace

std::vector<std::string> find_ending_columns(const TableWork &work, EndingColumns columns) {
    const std::vector<std::string> &added = work.registration.added_columns;
    std::vector<std::string> ending(added.rbegin(), added.rend());
    if (columns == EndingColumns::all) {
        const model::TableSettings &settings = work.settings();
        for (const std::string &name :
             {std::string(deletion_id_column), settings.deleted_by.value_or(""), settings.deleted_at}) {
            if (!name.empty() && !has_name(ending, name)) {
                ending.push_back(name);
            }
        }
    }
    std::erase_if(ending, [&](const std::string &name) { return work.table.find_column(name) == nullptr; });
    return ending;
}

bool is_going(const TableWork &work, const registry::ConvertedIndex &record,
              const std::vector<std::string> &columns) {
    const IndexFacts *index = work.find_index(record.relation, record.name);
    return index != nullptr && goes_with(work, *index, columns);
}

std::vector<registry::ConvertedIndex> find_live_indexes(const TableWork &work,
                                                        const std::vector<std::string> &columns) {
    std::vector<registry::ConvertedIndex> found;
    for (const IndexFacts &index : work.indexes) {
        if (has_name(columns, work.settings().deleted_at) && index.parent == 0 && !is_own(work, index)
            && has_live_condition_alone(work, index, columns)) {
            found.push_back({index.table, index.name, index.is_exclusion ? "exclude" : "partial index",
                             index.is_exclusion ? index.constraint_definition : index.definition,
                             index.is_deferrable, index.is_initially_deferred, false,
                             index.constraint_comment});
        }
    }
    return found;
}

void plan_dependent_drops(TableWork &work, const std::vector<std::string> &columns) {
    const std::string remark = "it says nothing of live rows, and goes with its column";
    for (const IndexFacts *index : find_losing_indexes(work, columns)) {
        work.add(Action::drop, index->table, "index " + index->quoted_name,
                 sqltext::drop_index(get_index_name(work.member(index->table), index->name), false));
        work.steps.back().remark = remark;
    }
    for (const Dependent &dependent : find_dependents(work, columns)) {
        if (dependent.drop) {
            work.add(Action::drop, dependent.relation, dependent.object,
                     sqltext::statement("%1%", sqltext::Expression(*dependent.drop)));
            work.steps.back().remark = remark;
        }
    }
}

void check_dependents(const TableWork &work, const std::vector<std::string> &columns) {
    std::string list;
    auto add = [&](const std::string &object) { list += (list.empty() ? "" : ", ") + object; };
    for (const IndexFacts *index : find_losing_indexes(work, columns)) {
        if (binds_rows(*index)) {
            add(model::describe(*index));
        }
    }
    for (const Dependent &dependent : find_dependents(work, columns)) {
        if (!dependent.drop) {
            add(dependent.object);
        }
    }
    if (!list.empty()) {
        pg::raise({ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                   "cannot drop the columns that tell of deletions in table \"" + work.table.name
                       + "\" because other objects depend on them",
                   "These name the columns, or show them: " + list + ".",
                   "Drop them, run the command again, and make them again without the columns: SELECT * will "
                   "not have them.",
                   work.table.oid});
    }
}

} // namespace softdelete::registration
