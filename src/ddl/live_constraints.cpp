// Makes the statements that stand for a UNIQUE constraint which a registered table gets: a partial unique index, or an
// exclusion constraint where it is deferrable. Everything that the constraint says is said again. Called by
// ddl/follow_indexes.
#include "ddl/live_constraints.hpp"
#include "sqltext/format.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/quote.hpp"

extern "C" {
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
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

// Only an exclusion constraint can be both partial and deferrable.
std::string make_deferrable(const catalog::TableInfo &table, const Constraint *constraint,
                            const std::string &name) {
    std::string elements;
    ListCell *cell;
    foreach (cell, constraint->keys) {
        elements += (elements.empty() ? "" : ", ") + pg::quote_identifier(strVal(lfirst(cell))) + " WITH =";
    }
    return sqltext::format(
        "ALTER TABLE %1% ADD CONSTRAINT %2% EXCLUDE USING btree (%3%)%4%%5%%6% WHERE (%7% IS "
        "NULL) DEFERRABLE%8%",
        table.name, pg::quote_identifier(name), elements, get_including(constraint), get_options(constraint),
        get_tablespace(constraint, " USING INDEX TABLESPACE "), table.deleted_at,
        (constraint->initdeferred ? " INITIALLY DEFERRED" : ""));
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

std::string make_replacement(const catalog::TableInfo &table, const Constraint *constraint,
                             const std::string &name) {
    if (constraint->indexname != nullptr) {
        return name == constraint->indexname
                   ? std::string()
                   : sqltext::format("ALTER INDEX %1%.%2% RENAME TO %3%", table.schema,
                                     pg::quote_identifier(constraint->indexname), pg::quote_identifier(name));
    }
    return constraint->deferrable ? make_deferrable(table, constraint, name)
                                  : make_unique_index(table, constraint, name);
}

} // namespace softdelete::ddl
