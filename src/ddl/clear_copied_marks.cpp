// Looks at the comments of the new table's columns and indexes: most have none. Works as the server's COMMENT does.
#include "ddl/clear_copied_marks.hpp"

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

void clear(Oid relation, int column) {
    char *comment = GetComment(relation, RelationRelationId, column);
    if (comment != nullptr && is_mark(comment)) {
        CreateComments(relation, RelationRelationId, column, nullptr);
    }
}

} // namespace

void clear_copied_marks(const DdlCommand &command) {
    if (get_create(command.node) == nullptr || !OidIsValid(command.relation)) {
        return;
    }
    Relation relation = relation_open(command.relation, AccessShareLock);
    for (int column = 1; column <= RelationGetNumberOfAttributes(relation); column++) {
        clear(command.relation, column);
    }
    List *indexes = RelationGetIndexList(relation);
    ListCell *cell;
    foreach (cell, indexes) {
        clear(lfirst_oid(cell), 0);
    }
    relation_close(relation, NoLock);
}

} // namespace softdelete::ddl
