// Makes the statements that stand for a UNIQUE constraint which a registered table gets: a partial unique index, or an
// exclusion constraint where it is deferrable. Everything that the constraint says is said again. Called by
// ddl/follow_indexes.
#include "ddl/live_constraints.hpp"
#include "sqltext/format.hpp"

#include "ddl/parse_tree.hpp"
#include "model/index_facts.hpp"
#include "pg/quote.hpp"
#include "registration/constraint_definitions.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_operator.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace softdelete::ddl {

namespace {

// INCLUDE (...), with a leading space.
std::string get_including(const Constraint *constraint) {
    std::string columns = join_columns(constraint->including);
    return columns.empty() ? "" : " INCLUDE (" + columns + ")";
}

// WITH (...), with a leading space.
std::string get_options(const Constraint *constraint) {
    std::string options;
    ListCell *cell;
    foreach (cell, constraint->options) {
        DefElem *option = lfirst_node(DefElem, cell);
        const char *text = pg::call([&] {
            return option->arg == nullptr ? quote_identifier(option->defname)
                                          : psprintf("%s = %s", quote_identifier(option->defname),
                                                     quote_literal_cstr(defGetString(option)));
        });
        options += (options.empty() ? "" : ", ") + std::string(text);
    }
    return options.empty() ? "" : " WITH (" + options + ")";
}

std::string get_tablespace(const Constraint *constraint, const char *words) {
    return constraint->indexspace == nullptr ? "" : words + pg::quote_identifier(constraint->indexspace);
}

std::string make_unique_index(const catalog::TableInfo &table, const Constraint *constraint,
                              const std::string &name) {
    return sqltext::format(
        "CREATE UNIQUE INDEX %1% ON %2% (%3%)%4%%5%%6%%7% WHERE %8% IS NULL", pg::quote_identifier(name),
        table.name, join_columns(constraint->keys), get_including(constraint),
        (constraint->nulls_not_distinct ? " NULLS NOT DISTINCT" : ""), get_options(constraint),
        get_tablespace(constraint, " TABLESPACE "), table.deleted_at);
}

// The operator by which the column's default operator class tells equal values, as the server would for UNIQUE.
const char *get_equality_operator(Oid relation, const char *column) {
    AttrNumber attribute = get_attnum(relation, column);
    if (attribute == InvalidAttrNumber) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column \"%s\" named in key does not exist", column)));
    }
    Oid type = get_atttype(relation, attribute);
    Oid opclass = OidIsValid(type) ? GetDefaultOpClass(type, BTREE_AM_OID) : InvalidOid;
    if (!OidIsValid(opclass)) {
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_OBJECT),
                 errmsg("column \"%s\" of relation \"%s\" cannot be unique", column, get_rel_name(relation)),
                 errhint("Its type has no default operator class for access method \"btree\".")));
    }
    Oid input = get_opclass_input_type(opclass);
    Oid equality = get_opfamily_member(get_opclass_family(opclass), input, input, BTEqualStrategyNumber);
    HeapTuple row = SearchSysCache1(OPEROID, ObjectIdGetDatum(equality));
    const auto *form = reinterpret_cast<Form_pg_operator>(GETSTRUCT(row));
    const char *text = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
                                NameStr(form->oprname));
    ReleaseSysCache(row);
    return text;
}

// The constraint as if it were there already, for what registration makes of constraints.
model::IndexFacts describe(const Constraint *constraint) {
    model::IndexFacts facts = {};
    ListCell *cell;
    foreach (cell, constraint->keys) {
        facts.keys.push_back(pg::quote_identifier(strVal(lfirst(cell))));
    }
    foreach (cell, constraint->including) {
        facts.included.push_back(pg::quote_identifier(strVal(lfirst(cell))));
    }
    facts.definition = "CREATE UNIQUE INDEX i ON t USING btree (" + join_columns(constraint->keys) + ")"
                       + get_including(constraint) + get_options(constraint);
    if (constraint->indexspace != nullptr) {
        facts.tablespace = pg::quote_identifier(constraint->indexspace);
    }
    facts.is_initially_deferred = constraint->initdeferred;
    return facts;
}

// Only an exclusion constraint can be both partial and deferrable.
std::string make_deferrable(const catalog::TableInfo &table, Oid relation, const Constraint *constraint,
                            const std::string &name) {
    std::vector<std::string> operators;
    ListCell *cell;
    foreach (cell, constraint->keys) {
        const char *column = strVal(lfirst(cell));
        operators.emplace_back(pg::call([&] { return get_equality_operator(relation, column); }));
    }
    return sqltext::format("ALTER TABLE %1% ADD CONSTRAINT %2% %3%", table.name, pg::quote_identifier(name),
                           registration::make_live_deferrable(describe(constraint), operators,
                                                              "(" + table.deleted_at + " IS NULL)")
                               .text());
}

} // namespace

std::string choose_constraint_name(const Constraint *constraint, Oid relation) {
    if (constraint->conname != nullptr) {
        return constraint->conname;
    }
    if (constraint->indexname != nullptr) {
        return constraint->indexname;
    }
    std::string columns;
    ListCell *cell;
    foreach (cell, constraint->keys) {
        columns += (columns.empty() ? "" : "_") + std::string(strVal(lfirst(cell)));
    }
    return pg::call([&] {
        return ChooseRelationName(get_rel_name(relation), columns.c_str(), "key", get_rel_namespace(relation),
                                  true);
    });
}

std::string make_replacement(const catalog::TableInfo &table, Oid relation, const Constraint *constraint,
                             const std::string &name) {
    if (constraint->indexname != nullptr) {
        return name == constraint->indexname
                   ? std::string()
                   : sqltext::format("ALTER INDEX %1%.%2% RENAME TO %3%", table.schema,
                                     pg::quote_identifier(constraint->indexname), pg::quote_identifier(name));
    }
    return constraint->deferrable ? make_deferrable(table, relation, constraint, name)
                                  : make_unique_index(table, constraint, name);
}

} // namespace softdelete::ddl
