// The index is told by the record that CREATE INDEX left of it (follow_indexes.cpp).
#include "ddl/whole_primary_key.hpp"

#include "pg/quote.hpp"
#include "pg/spi.hpp"
#include "registry/registry.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/index.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

#include <algorithm>
#include <vector>

namespace softdelete::ddl {

namespace {

bool is_made_partial(pg::Spi &spi, Oid relation, const char *index) {
    std::vector<registry::ConvertedIndex> records = registry::find_converted_indexes(spi, {relation});
    return std::any_of(records.begin(), records.end(), [&](const registry::ConvertedIndex &record) {
        return record.name == index && !record.is_constraint();
    });
}

// Says of the constraint what the index says of itself. False for an index on expressions, which the server refuses.
bool spell_out(Constraint *constraint, Oid relation, Oid index_oid) {
    Relation index = RelationIdGetRelation(index_oid);
    if (index == nullptr) {
        return false;
    }
    bool has_expressions = RelationGetIndexExpressions(index) != NIL;
    const FormData_pg_index *form = index->rd_index;
    for (int i = 0; i < form->indnatts && !has_expressions; i++) {
        String *name = makeString(get_attname(relation, form->indkey.values[i], false));
        List **names = i < form->indnkeyatts ? &constraint->keys : &constraint->including;
        *names = lappend(*names, name);
    }
    RelationClose(index);
    return !has_expressions;
}

void widen(pg::Spi &spi, Constraint *constraint, Oid relation) {
    Oid index =
        pg::call([&] { return get_relname_relid(constraint->indexname, get_rel_namespace(relation)); });
    if (!OidIsValid(index) || !is_made_partial(spi, relation, constraint->indexname)) {
        return;
    }
    std::string name = constraint->indexname;
    bool is_spelled_out = pg::call([&] {
        MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(constraint));
        bool done = spell_out(constraint, relation, index);
        if (done) {
            constraint->conname =
                constraint->conname == nullptr ? constraint->indexname : constraint->conname;
            constraint->indexname = nullptr;
        }
        MemoryContextSwitchTo(caller);
        return done;
    });
    if (!is_spelled_out) {
        return;
    }
    session::OwnDdlScope own_ddl;
    std::string schema = pg::call([&] { return get_namespace_name(get_rel_namespace(relation)); });
    spi.execute("DROP INDEX " + pg::quote_identifier(schema) + "." + pg::quote_identifier(name));
    registry::delete_converted_index(spi, relation, name);
    pg::notice(
        sqltext::format("index \"%1%\" covers live rows only: the primary key builds its index anew", name));
}

} // namespace

void widen_primary_key(AlterTableStmt *alter, Oid relation) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
        if (command->subtype != AT_AddConstraint || !IsA(command->def, Constraint)) {
            continue;
        }
        Constraint *constraint = castNode(Constraint, command->def);
        if (constraint->contype == CONSTR_PRIMARY && constraint->indexname != nullptr) {
            pg::Spi spi;
            widen(spi, constraint, relation);
        }
    }
}

} // namespace softdelete::ddl
