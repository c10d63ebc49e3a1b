// Works on raw statements; what is there is compared in the form in which the server deparses it.
#include "utility/skip_unchanged.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registry/registered_names.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

#include <cstring>
#include <vector>

namespace softdelete::utility {

namespace {

// What the index of that name was before registration, if it is in the registry, and what it is.
constexpr const char *definitions_query = R"(
    SELECT k.definition, pg_catalog.pg_get_indexdef($2::pg_catalog.oid)
    FROM (SELECT c.definition FROM softdelete_internal.converted_index c
          WHERE c.relation = $1::pg_catalog.oid AND c.name = $3::pg_catalog.name AND c.kind <> 'whole'
          UNION ALL
          SELECT NULL FROM softdelete_internal.registration r
          WHERE r.relation = $4::pg_catalog.oid AND $3::pg_catalog.name = ANY (r.added_indexes)) k)";

std::vector<std::string> get_definitions(Oid table, Oid index, const char *name) {
    pg::Spi spi;
    Oid root = registry::find_registered_root(spi, table).value_or(table);
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<std::string> definitions;
    for (const pg::Row &row : spi.query(definitions_query, {table, index, name, root})) {
        for (std::size_t column : {0, 1}) {
            if (!row.is_null(column)) {
                definitions.push_back(row.text(column));
            }
        }
    }
    return definitions;
}

// The columns of a unique constraint, or of an index that could stand for one.
struct UniqueKey {
    bool is_unique;
    List *columns;
    List *including;
    bool nulls_not_distinct;
};

bool is_plain(const IndexElem *element) {
    return element->name != nullptr && element->collation == NIL && element->opclass == NIL
           && (element->ordering == SORTBY_DEFAULT || element->ordering == SORTBY_ASC)
           && element->nulls_ordering == SORTBY_NULLS_DEFAULT;
}

UniqueKey get_key(const Constraint *constraint) {
    bool is_unique =
        constraint->contype == CONSTR_UNIQUE && !constraint->deferrable && constraint->indexname == nullptr;
    return {is_unique, constraint->keys, constraint->including, constraint->nulls_not_distinct};
}

UniqueKey get_key(const IndexStmt *index) {
    UniqueKey key = {index->unique, NIL, NIL, index->nulls_not_distinct};
    ListCell *cell;
    foreach (cell, index->indexParams) {
        const auto *element = lfirst_node(IndexElem, cell);
        key.is_unique = key.is_unique && is_plain(element);
        key.columns = lappend(key.columns, makeString(element->name));
    }
    foreach (cell, index->indexIncludingParams) {
        key.including = lappend(key.including, makeString(lfirst_node(IndexElem, cell)->name));
    }
    return key;
}

// A definition as pg_get_indexdef() or pg_get_constraintdef() gives it.
Node *parse_definition(const char *definition) {
    bool is_index = strncmp(definition, "CREATE", strlen("CREATE")) == 0;
    const char *text = is_index ? definition : psprintf("ALTER TABLE t ADD %s", definition);
    Node *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt; // looks up no name
    return is_index ? statement
                    : linitial_node(AlterTableCmd, castNode(AlterTableStmt, statement)->cmds)->def;
}

UniqueKey get_key(Node *definition) {
    return IsA(definition, IndexStmt) ? get_key(castNode(IndexStmt, definition))
                                      : get_key(castNode(Constraint, definition));
}

bool is_same_key(const UniqueKey &left, const UniqueKey &right) {
    return left.is_unique && right.is_unique && equal(left.columns, right.columns)
           && equal(left.including, right.including) && left.nulls_not_distinct == right.nulls_not_distinct;
}

bool is_same_index(const IndexStmt *wanted, Node *definition) {
    if (IsA(definition, IndexStmt)) {
        auto *there = static_cast<IndexStmt *>(copyObjectImpl(definition));
        there->relation = wanted->relation;
        there->concurrent = wanted->concurrent;
        there->tableSpace = wanted->tableSpace;
        bool is_same_unique = is_same_key(get_key(there), get_key(wanted))
                              && equal(there->whereClause, wanted->whereClause)
                              && strcmp(there->accessMethod, wanted->accessMethod) == 0;
        return is_same_unique || equal(there, wanted);
    }
    return wanted->whereClause == nullptr && is_same_key(get_key(wanted), get_key(definition));
}

Oid find_registered(const RangeVar *name) {
    Oid relation = ddl::find_relation(name);
    return session::has_own_trigger(relation) && session::is_registered_table(relation) ? relation
                                                                                        : InvalidOid;
}

// The index of that name on that table.
Oid find_index(Oid table, const char *name) {
    Oid index = name == nullptr ? InvalidOid : get_relname_relid(name, get_rel_namespace(table));
    return OidIsValid(index) && IndexGetRelation(index, true) == table ? index : InvalidOid;
}

// USING column, or a cast of it.
bool is_column(const Node *expression, const char *column) {
    if (expression != nullptr && IsA(expression, TypeCast)) {
        expression = castNode(TypeCast, const_cast<Node *>(expression))->arg;
    }
    if (expression == nullptr || !IsA(expression, ColumnRef)) {
        return expression == nullptr;
    }
    auto *last = static_cast<Node *>(llast(castNode(ColumnRef, const_cast<Node *>(expression))->fields));
    return IsA(last, String) && strcmp(strVal(last), column) == 0;
}

// The precision that a timestamp has where none is given.
bool is_same_modifier(Oid type, int32 left, int32 right) {
    bool is_time = type == TIMESTAMPTZOID || type == TIMESTAMPOID;
    auto normal = [&](int32 modifier) {
        return is_time && modifier == MAX_TIMESTAMP_PRECISION ? -1 : modifier;
    };
    return normal(left) == normal(right);
}

bool is_same_type(Oid relation, const AlterTableCmd *command) {
    const auto *wanted = castNode(ColumnDef, command->def);
    session::RegisteredTable table;
    AttrNumber attribute = get_attnum(relation, command->name);
    if (attribute <= 0 || wanted->collClause != nullptr || !is_column(wanted->raw_default, command->name)
        || !session::find_damaged_table(relation, &table)
        || (attribute != table.deleted_at && attribute != table.deleted_by
            && attribute != table.deletion_id)) {
        return false;
    }
    Oid type = InvalidOid;
    Oid collation = InvalidOid;
    int32 modifier = -1;
    int32 wanted_modifier = -1;
    get_atttypetypmodcoll(relation, attribute, &type, &modifier, &collation);
    Type found = LookupTypeName(nullptr, wanted->typeName, &wanted_modifier, true);
    bool is_same =
        found != nullptr && typeTypeId(found) == type && is_same_modifier(type, modifier, wanted_modifier);
    if (found != nullptr) {
        ReleaseSysCache(found);
    }
    return is_same;
}

// A converted constraint by the name and the columns of the command's.
bool is_existing_constraint(Oid relation, const Constraint *constraint) {
    Oid index = constraint->contype == CONSTR_UNIQUE ? find_index(relation, constraint->conname) : InvalidOid;
    if (!OidIsValid(index)) {
        return false;
    }
    return pg::entry([&] {
        for (const std::string &definition : get_definitions(relation, index, constraint->conname)) {
            bool is_same = pg::call([&] {
                return is_same_key(get_key(constraint), get_key(parse_definition(definition.c_str())));
            });
            if (is_same) {
                return true;
            }
        }
        return false;
    });
}

// Says so where the command changes nothing.
bool is_unchanged(Oid relation, const AlterTableCmd *command) {
    if (command->subtype == AT_AlterColumnType && is_same_type(relation, command)) {
        ereport(NOTICE, (errmsg("column \"%s\" of relation \"%s\" is of that type already, skipping",
                                command->name, get_rel_name(relation))));
        return true;
    }
    if (command->subtype == AT_AddConstraint
        && is_existing_constraint(relation, castNode(Constraint, command->def))) {
        ereport(NOTICE, (errcode(ERRCODE_DUPLICATE_OBJECT),
                         errmsg("relation \"%s\" already exists, skipping",
                                castNode(Constraint, command->def)->conname),
                         errdetail("It keeps the columns unique among live rows.")));
        return true;
    }
    return false;
}

bool may_be_unchanged(const AlterTableStmt *alter) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        AlterTableType type = lfirst_node(AlterTableCmd, cell)->subtype;
        if (type == AT_AlterColumnType || type == AT_AddConstraint) {
            return true;
        }
    }
    return false;
}

} // namespace

PlannedStmt *skip_unchanged_parts(PlannedStmt *plan, bool *read_only_tree) {
    if (!IsA(plan->utilityStmt, AlterTableStmt)) {
        return plan;
    }
    const AlterTableStmt *alter = castNode(AlterTableStmt, plan->utilityStmt);
    Oid relation = may_be_unchanged(alter) ? find_registered(alter->relation) : InvalidOid;
    if (!OidIsValid(relation)) {
        return plan;
    }
    List *kept = NIL;
    ListCell *cell;
    foreach (cell, alter->cmds) {
        if (!is_unchanged(relation, lfirst_node(AlterTableCmd, cell))) {
            kept = lappend(kept, lfirst(cell));
        }
    }
    if (list_length(kept) == list_length(alter->cmds)) {
        return plan;
    }
    if (kept == NIL) {
        return nullptr;
    }
    plan = static_cast<PlannedStmt *>(copyObjectImpl(plan));
    castNode(AlterTableStmt, plan->utilityStmt)->cmds = static_cast<List *>(copyObjectImpl(kept));
    *read_only_tree = false;
    return plan;
}

bool is_existing_index(const PlannedStmt *plan) {
    if (!IsA(plan->utilityStmt, IndexStmt)) {
        return false;
    }
    const IndexStmt *wanted = castNode(IndexStmt, plan->utilityStmt);
    Oid relation =
        wanted->idxname == nullptr || wanted->if_not_exists ? InvalidOid : find_registered(wanted->relation);
    Oid index = OidIsValid(relation) ? find_index(relation, wanted->idxname) : InvalidOid;
    bool exists =
        OidIsValid(index) && pg::entry([&] {
            for (const std::string &definition : get_definitions(relation, index, wanted->idxname)) {
                if (pg::call([&] { return is_same_index(wanted, parse_definition(definition.c_str())); })) {
                    return true;
                }
            }
            return false;
        });
    if (exists) {
        ereport(NOTICE, (errcode(ERRCODE_DUPLICATE_TABLE),
                         errmsg("relation \"%s\" already exists, skipping", wanted->idxname)));
    }
    return exists;
}

} // namespace softdelete::utility
