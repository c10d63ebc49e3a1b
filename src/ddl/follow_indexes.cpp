// Gives new indexes and constraints of a registered table the condition that live rows meet, in the raw parse tree,
// before the server has analyzed the command. Event triggers call the two halves; what stands for a UNIQUE constraint
// is made in ddl/live_constraints.
#include "ddl/follow_indexes.hpp"

#include "catalog/table_catalog.hpp"
#include "catalog/table_info.hpp"
#include "ddl/live_constraints.hpp"
#include "ddl/parse_tree.hpp"
#include "ddl/whole_primary_key.hpp"
#include "model/table_settings.hpp"
#include "pg/compat.hpp"
#include "pg/quote.hpp"
#include "pg/relation_cache.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/run_steps.hpp"
#include "registry/registered_names.hpp"
#include "registry/registry.hpp"
#include "session/registered_table.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace softdelete::ddl {

namespace {

// A UNIQUE constraint that was taken out of a command, or an exclusion constraint that got the condition, copied into the
// transaction's memory; or the table whose CREATE INDEX got the condition, which may commit on its way. Of the command, and
// of none that runs within it.
struct PreparedIndex {
    Oid relation;
    Constraint *constraint; // null for an index
    const char *kind;       // of an index, for its record; constant
    uint64 command;
    int nest_level;
    PreparedIndex *next;
};

PreparedIndex *pending = nullptr;

// Whose indexes are to be followed, and how.
struct FollowedTable {
    Oid relation;
    model::IndexMode mode;
    char *deleted_at;         // palloc'd
    bool is_deleted_at_added; // by register(): unregister() drops it
};

std::optional<FollowedTable> find_followed(Oid relation) {
    FollowedTable table = {};
    table.relation = relation;
    bool is_registered = OidIsValid(relation) && pg::call([&] {
                             session::RegisteredTable found;
                             if (!session::find_damaged_table(table.relation, &found)) {
                                 return false;
                             }
                             table.deleted_at = get_attname(table.relation, found.deleted_at, true);
                             return table.deleted_at != nullptr;
                         });
    if (!is_registered) {
        return std::nullopt;
    }
    pg::Spi spi;
    Oid root = registry::find_registered_root(spi, table.relation).value_or(table.relation);
    std::optional<registry::Registration> registration = registry::find_registration(spi, root);
    if (!registration || registration->settings.indexes == model::IndexMode::none) {
        return std::nullopt;
    }
    table.mode = registration->settings.indexes;
    table.is_deleted_at_added = std::ranges::count(registration->added_columns, table.deleted_at) > 0;
    return table;
}

bool mentions(Node *node, char *column) {
    if (node == nullptr) {
        return false;
    }
    if (IsA(node, ColumnRef)) {
        Node *last = static_cast<Node *>(llast(castNode(ColumnRef, node)->fields));
        return IsA(last, String) && strcmp(strVal(last), column) == 0;
    }
    return raw_expression_tree_walker(node, pg::compat::walker(mentions), column);
}

Node *make_live_test(const char *deleted_at) {
    ColumnRef *column = makeNode(ColumnRef);
    column->fields = list_make1(makeString(pstrdup(deleted_at)));
    column->location = -1;
    NullTest *test = makeNode(NullTest);
    test->arg = reinterpret_cast<Expr *>(column);
    test->nulltesttype = IS_NULL;
    test->location = -1;
    return reinterpret_cast<Node *>(test);
}

// condition AND deleted_at IS NULL; as it is where it speaks of deleted_at already.
Node *add_live_test(Node *condition, char *deleted_at) {
    if (mentions(condition, deleted_at)) {
        return condition;
    }
    Node *test = make_live_test(deleted_at);
    return condition == nullptr
               ? test
               : reinterpret_cast<Node *>(makeBoolExpr(AND_EXPR, list_make2(condition, test), -1));
}

// True where the index begins with the columns of a foreign key: purges and cascades need it whole.
bool serves_foreign_key(const IndexStmt *index, Oid relation_id) {
    Relation relation = RelationIdGetRelation(relation_id);
    bool serves = false;
    ListCell *cell;
    foreach (cell, pg::copy_foreign_keys(relation)) {
        const auto *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        int matches = 0;
        for (int i = 0; i < key->nkeys && list_length(index->indexParams) >= key->nkeys; i++) {
            for (int j = 0; j < key->nkeys; j++) {
                const auto *element = static_cast<const IndexElem *>(list_nth(index->indexParams, j));
                const char *column = get_attname(relation_id, key->conkey[i], false);
                matches += element->name != nullptr && strcmp(element->name, column) == 0 ? 1 : 0;
            }
        }
        serves = serves || matches == key->nkeys;
    }
    RelationClose(relation);
    return serves;
}

void prepare(Oid relation, Constraint *constraint, const char *kind) {
    auto *entry = static_cast<PreparedIndex *>(MemoryContextAlloc(TopMemoryContext, sizeof(PreparedIndex)));
    *entry = {relation, constraint, kind, session::running_command(), GetCurrentTransactionNestLevel(),
              pending};
    pending = entry;
}

// Takes what the running command has prepared, the last first; false where nothing is left.
bool take_prepared(PreparedIndex *taken) {
    PreparedIndex **place = &pending;
    while (*place != nullptr && (*place)->command != session::running_command()) {
        place = &(*place)->next;
    }
    if (*place == nullptr) {
        return false;
    }
    *taken = **place;
    pfree(std::exchange(*place, taken->next));
    return true;
}

void prepare_index(IndexStmt *index, Oid relation) {
    if (index->primary || index->isconstraint) {
        return;
    }
    std::optional<FollowedTable> table = find_followed(relation);
    if (!table || (!index->unique && table->mode != model::IndexMode::all)) {
        return;
    }
    pg::call([&] {
        if (index->unique || !serves_foreign_key(index, table->relation)) {
            MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(index));
            Node *condition = add_live_test(index->whereClause, table->deleted_at);
            MemoryContextSwitchTo(caller);
            // A condition that its author wrote stays for as long as the column does.
            bool is_authors = condition == index->whereClause;
            if (!is_authors || table->is_deleted_at_added) {
                index->whereClause = condition;
                prepare(table->relation, nullptr, is_authors ? "partial index" : "index");
            }
        }
    });
}

void take(Oid relation, const Constraint *constraint, const char *column) {
    MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
    auto *copy = static_cast<Constraint *>(copyObjectImpl(constraint));
    if (column != nullptr) {
        copy->keys = list_make1(makeString(pstrdup(column)));
    }
    MemoryContextSwitchTo(caller);
    prepare(relation, copy, nullptr);
}

// Whether a partial index, or a partial exclusion constraint, can stand for the constraint, as when a table is registered
// (model/index_decision.cpp). One that cannot stays whole, with a warning.
bool can_be_partial(const Constraint *constraint, Oid relation) {
    const char *reason = nullptr;
    if (pg::compat::is_without_overlaps(constraint)) {
        reason = "a WITHOUT OVERLAPS constraint cannot be partial";
    } else if (constraint->deferrable && constraint->nulls_not_distinct) {
        reason = "a deferrable constraint with NULLS NOT DISTINCT cannot be partial";
    } else if (constraint->deferrable && get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE) {
        reason = "a deferrable constraint of a partitioned table cannot be partial";
    }
    if (reason != nullptr) {
        ereport(
            WARNING,
            (errmsg("new unique constraint of registered table \"%s\" covers deleted rows too, so that their "
                    "values stay taken",
                    get_rel_name(relation)),
             errdetail("%c%s.", pg_toupper(static_cast<unsigned char>(reason[0])), reason + 1)));
    }
    return reason == nullptr;
}

// What the grammar leaves behind a column's constraint: whether it is deferrable. Returns false for anything else.
bool read_attribute(const Constraint *attribute, Constraint *unique) {
    switch (attribute->contype) {
    case CONSTR_ATTR_DEFERRABLE:
        unique->deferrable = true;
        return true;
    case CONSTR_ATTR_DEFERRED:
        unique->deferrable = unique->initdeferred = true;
        return true;
    case CONSTR_ATTR_NOT_DEFERRABLE:
    case CONSTR_ATTR_IMMEDIATE:
        return true;
    default:
        return false;
    }
}

// Takes the UNIQUE constraints of a new column, with what is said of them; the column's other constraints stay.
void prepare_column(ColumnDef *column, Oid relation) {
    List *kept = NIL;
    for (int i = 0; i < list_length(column->constraints); i++) {
        Constraint *constraint = list_nth_node(Constraint, column->constraints, i);
        if (constraint->contype != CONSTR_UNIQUE) {
            kept = lappend(kept, constraint);
            continue;
        }
        auto *unique = static_cast<Constraint *>(copyObjectImpl(constraint));
        int next = i + 1;
        while (next < list_length(column->constraints)
               && read_attribute(list_nth_node(Constraint, column->constraints, next), unique)) {
            next++;
        }
        if (can_be_partial(unique, relation)) {
            take(relation, unique, column->colname);
            i = next - 1;
        } else {
            kept = lappend(kept, constraint);
        }
    }
    column->constraints = kept;
}

// Its name is chosen here, as the server would, so that it can be found again.
void prepare_exclusion(Constraint *constraint, const FollowedTable &table) {
    Node *condition = add_live_test(constraint->where_clause, table.deleted_at);
    if (condition == constraint->where_clause) {
        return;
    }
    constraint->where_clause = condition;
    if (constraint->conname == nullptr) {
        const auto *first =
            static_cast<const IndexElem *>(linitial(linitial_node(List, constraint->exclusions)));
        constraint->conname = ChooseRelationName(get_rel_name(table.relation), first->name, "excl",
                                                 get_rel_namespace(table.relation), true);
    }
    take(table.relation, constraint, nullptr);
}

void prepare_alter(AlterTableStmt *alter, Oid relation) {
    auto table = alter->objtype == OBJECT_TABLE ? find_followed(relation) : std::nullopt;
    if (!table) {
        return;
    }
    widen_primary_key(alter, table->relation);
    pg::call([&] {
        MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(alter));
        ListCell *cell;
        foreach (cell, alter->cmds) {
            const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
            if (command->subtype == AT_AddColumn) {
                prepare_column(castNode(ColumnDef, command->def), table->relation);
                continue;
            }
            if (command->subtype != AT_AddConstraint) {
                continue;
            }
            Constraint *constraint = castNode(Constraint, command->def);
            if (constraint->contype == CONSTR_EXCLUSION) {
                prepare_exclusion(constraint, *table);
            } else if (constraint->contype == CONSTR_UNIQUE && can_be_partial(constraint, table->relation)) {
                take(table->relation, constraint, nullptr);
                alter->cmds = foreach_delete_current(alter->cmds, cell);
            }
        }
        MemoryContextSwitchTo(caller);
    });
}

// Records the index and, on a partitioned table, those of its partitions.
void record(pg::Spi &spi, Oid relation, const std::string &name, const char *kind,
            const Constraint *constraint) {
    for (const pg::Row &row : spi.query_kept(R"(
        SELECT i.indrelid, c.relname, pg_catalog.pg_get_indexdef(c.oid)
        FROM pg_catalog.pg_class x
        CROSS JOIN LATERAL (SELECT x.oid AS relid WHERE x.relkind = 'i' UNION ALL
                            SELECT p.relid FROM pg_catalog.pg_partition_tree(x.oid) p WHERE x.relkind = 'I') t
        JOIN pg_catalog.pg_class c ON c.oid = t.relid
        JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
        JOIN pg_catalog.pg_index xi ON xi.indexrelid = x.oid AND xi.indrelid = $1::pg_catalog.oid
        WHERE x.relname = $2 AND x.relkind IN ('i', 'I') AND xi.indpred IS NOT NULL)",
                                             {relation, name})) {
        bool is_deferrable = constraint != nullptr && constraint->deferrable;
        bool is_initially_deferred = constraint != nullptr && constraint->initdeferred;
        registry::insert_converted_index(spi, {row.oid(0), row.text(1), kind, row.text(2), is_deferrable,
                                               is_initially_deferred, false, std::nullopt});
    }
}

void make_taken(pg::Spi &spi, Oid relation, const Constraint *constraint) {
    if (constraint->contype == CONSTR_EXCLUSION) {
        record(spi, relation, constraint->conname, "exclude", constraint);
        return;
    }
    catalog::TableInfo table = catalog::get_table(spi, relation);
    // A partition is read as its root.
    table.name = catalog::get_qualified_name(spi, relation).text();
    table.schema =
        pg::quote_identifier(pg::call([&] { return get_namespace_name(get_rel_namespace(relation)); }));
    std::string name = choose_constraint_name(constraint, relation);
    if (std::string command = make_replacement(table, relation, constraint, name); !command.empty()) {
        session::OwnDdlScope own_ddl;
        spi.execute(command);
    }
    if (constraint->indexname != nullptr) {
        registry::delete_converted_index(spi, relation, constraint->indexname);
    }
    record(spi, relation, name, constraint->deferrable ? "unique deferrable" : "unique", constraint);
}

// The server says how the index is called that the command made.
void record_created(pg::Spi &spi, Oid relation, const char *kind) {
    for (const pg::Row &row : spi.query_kept(R"(
        SELECT c.relname FROM pg_catalog.pg_event_trigger_ddl_commands() d
        JOIN pg_catalog.pg_class c ON c.oid = d.objid
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.command_tag = 'CREATE INDEX')")) {
        record(spi, relation, row.text(0), kind, nullptr);
    }
}

} // namespace

void prepare_indexes(const DdlCommand &command) {
    Node *statement = command.node;
    if (IsA(statement, IndexStmt)) {
        prepare_index(castNode(IndexStmt, statement), command.relation);
    } else if (IsA(statement, AlterTableStmt)) {
        prepare_alter(castNode(AlterTableStmt, statement), command.relation);
    }
}

void finish_indexes() {
    // New indexes go to the user's default_tablespace.
    std::optional<pg::Spi> spi;
    for (PreparedIndex entry; take_prepared(&entry);) {
        if (!spi) {
            spi.emplace();
        }
        if (entry.constraint != nullptr) {
            make_taken(*spi, entry.relation, entry.constraint);
        } else {
            record_created(*spi, entry.relation, entry.kind);
        }
    }
}

void forget_prepared_indexes(int nest_level, bool is_commit) noexcept {
    PreparedIndex **place = &pending;
    while (*place != nullptr) {
        const PreparedIndex &entry = **place;
        bool is_over = entry.constraint != nullptr || !session::is_running_command(entry.command);
        if (is_commit ? is_over : entry.nest_level >= nest_level) {
            pfree(std::exchange(*place, entry.next));
        } else {
            place = &(*place)->next;
        }
    }
}

} // namespace softdelete::ddl
