// Looks at the comments of the new table's columns and indexes: most have none. Where one is a mark, it is asked whether the
// table is new: CREATE TABLE IF NOT EXISTS may have found a registered one. Works as the server's COMMENT does.
#include "ddl/clear_copied_marks.hpp"

#include "pg/created_objects.hpp"
#include "registration/added_marks.hpp"

extern "C" {
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "commands/comment.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

bool is_mark(const char *comment) {
    std::size_t length = strlen(comment);
    std::size_t end = strlen(registration::added_mark);
    return (length >= end && strcmp(comment + length - end, registration::added_mark) == 0)
           || strncmp(comment, registration::additions_start, strlen(registration::additions_start)) == 0;
}

bool has_mark(Oid relation, int column) {
    const char *comment = GetComment(relation, RelationRelationId, column);
    return comment != nullptr && is_mark(comment);
}

struct Marked {
    Oid relation;
    int column; // 0 for a whole index
};

// A list of Marked.
List *find_marks(Relation table) {
    List *found = NIL;
    auto add = [&](Oid relation, int column) {
        if (has_mark(relation, column)) {
            auto *marked = static_cast<Marked *>(palloc(sizeof(Marked)));
            *marked = {relation, column};
            found = lappend(found, marked);
        }
    };
    for (int column = 1; column <= RelationGetNumberOfAttributes(table); column++) {
        add(RelationGetRelid(table), column);
    }
    ListCell *cell;
    foreach (cell, RelationGetIndexList(table)) {
        add(lfirst_oid(cell), 0);
    }
    return found;
}

} // namespace

void clear_copied_marks(const DdlCommand &command) {
    if (get_create(command.node) == nullptr || !OidIsValid(command.relation)) {
        return;
    }
    Relation table = relation_open(command.relation, AccessShareLock);
    List *marks = find_marks(table);
    relation_close(table, NoLock);
    if (marks == NIL || !pg::is_created_by_command(command.relation)) {
        return;
    }
    ListCell *cell;
    foreach (cell, marks) {
        const auto *marked = static_cast<const Marked *>(lfirst(cell));
        CreateComments(marked->relation, RelationRelationId, marked->column, nullptr);
    }
}

} // namespace softdelete::ddl
