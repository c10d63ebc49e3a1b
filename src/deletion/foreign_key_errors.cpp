// Raises foreign-key violations with the server's SQLSTATE and wording. Shows the key's values only to those who may
// read the table that has the row: the same for a deleted parent as, from the server, for one that never was. Called by the cascade and by triggers/check_parent.
#include "deletion/foreign_key_errors.hpp"

#include "pg/compat.hpp"
#include "pg/relations.hpp"

extern "C" {
#include "access/htup_details.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
}

namespace softdelete::deletion {

namespace {

struct KeyText {
    StringInfoData columns;
    StringInfoData values;
};

void add(KeyText *text, const char *column, const char *value) {
    appendStringInfo(&text->columns, "%s%s", text->columns.len == 0 ? "" : ", ", column);
    appendStringInfo(&text->values, "%s%s", text->values.len == 0 ? "" : ", ",
                     value == nullptr ? "null" : value);
}

KeyText make_key_text() {
    KeyText text;
    initStringInfo(&text.columns);
    initStringInfo(&text.values);
    return text;
}

} // namespace

void report_still_referenced(const catalog::ForeignKeyInfo &key, HeapTuple row, TupleDesc columns) {
    KeyText text = make_key_text();
    for (int i = 0; i < key.columns; i++) {
        add(&text, get_attname(key.parent, key.parent_columns[i], false), SPI_getvalue(row, columns, i + 1));
    }
    const char *parent = get_rel_name(key.parent);
    const char *child = get_rel_name(key.child);
    bool is_restrict = pg::compat::has_restrict_violation && key.on_delete == FKCONSTR_ACTION_RESTRICT;
    Relation child_relation = RelationIdGetRelation(key.child);
    ereport(
        ERROR,
        (errcode(is_restrict ? ERRCODE_RESTRICT_VIOLATION : ERRCODE_FOREIGN_KEY_VIOLATION),
         is_restrict
             ? errmsg("update or delete on table \"%s\" violates RESTRICT setting of foreign key constraint "
                      "\"%s\" on table \"%s\"",
                      parent, NameStr(key.name), child)
             : errmsg("update or delete on table \"%s\" violates foreign key constraint \"%s\" on table "
                      "\"%s\"",
                      parent, NameStr(key.name), child),
         !pg::may_show_values(key.parent)
             ? errdetail(is_restrict ? "Key is referenced from table \"%s\"."
                                     : "Key is still referenced from table \"%s\".",
                         child)
             : errdetail(is_restrict ? "Key (%s)=(%s) is referenced from table \"%s\"."
                                     : "Key (%s)=(%s) is still referenced from table \"%s\".",
                         text.columns.data, text.values.data, child),
         errtableconstraint(child_relation, NameStr(key.name))));
    pg_unreachable();
}

void report_not_present(const catalog::ForeignKeyInfo &key, Relation child, HeapTuple row) {
    KeyText text = make_key_text();
    for (int i = 0; i < key.columns; i++) {
        add(&text, get_attname(RelationGetRelid(child), key.child_columns[i], false),
            SPI_getvalue(row, RelationGetDescr(child), key.child_columns[i]));
    }
    const char *parent = get_rel_name(key.parent);
    ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
                    errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
                           RelationGetRelationName(child), NameStr(key.name)),
                    pg::may_show_values(RelationGetRelid(child))
                        ? errdetail("Key (%s)=(%s) is not present in table \"%s\".", text.columns.data,
                                    text.values.data, parent)
                        : errdetail("Key is not present in table \"%s\".", parent),
                    errtableconstraint(child, NameStr(key.name))));
    pg_unreachable();
}

void report_rewritten(const catalog::ForeignKeyInfo &key) {
    Relation child = RelationIdGetRelation(key.child);
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                    errmsg("referential integrity query on \"%s\" from constraint \"%s\" on \"%s\" gave "
                           "unexpected result",
                           get_rel_name(key.parent), NameStr(key.name), RelationGetRelationName(child)),
                    errhint("This is most likely due to a rule having rewritten the query."),
                    errtableconstraint(child, NameStr(key.name))));
    pg_unreachable();
}

} // namespace softdelete::deletion
