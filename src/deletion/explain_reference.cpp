// The check is known by its text, which ri_triggers.c makes (RI_FKey_noaction_del() and its like), and asks again with one
// more condition.
#include "deletion/explain_reference.hpp"

#include "pg/spi.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

#include <cstring>

namespace softdelete::deletion {

namespace {

constexpr char lock_clause[] = " FOR KEY SHARE OF x";

// The referencing table of the error that is on its way; empty where none is.
char table[NAMEDATALEN] = "";

bool is_check_of_references(const QueryDesc *query) {
    if (!InNoForceRLSOperation() || query->operation != CMD_SELECT || query->sourceText == nullptr
        || query->estate->es_processed == 0) {
        return false;
    }
    Size length = strlen(query->sourceText);
    return strncmp(query->sourceText, "SELECT 1 FROM ", strlen("SELECT 1 FROM ")) == 0
           && strstr(query->sourceText, " x WHERE $1 OPERATOR(") != nullptr && length > strlen(lock_clause)
           && strcmp(query->sourceText + length - strlen(lock_clause), lock_clause) == 0;
}

bool references_live_row(const QueryDesc *query, const session::RegisteredTable &child) {
    char *text = psprintf(
        "%.*s AND x.%s IS NULL LIMIT 1", static_cast<int>(strlen(query->sourceText) - strlen(lock_clause)),
        query->sourceText, quote_identifier(get_attname(child.relation, child.deleted_at, false)));
    int count = query->params == nullptr ? 0 : query->params->numParams;
    auto *types = static_cast<Oid *>(palloc(sizeof(Oid) * static_cast<Size>(count + 1)));
    auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
    for (int i = 0; i < count; i++) {
        types[i] = query->params->params[i].ptype;
        values[i] = query->params->params[i].value;
    }
    pg::connect_spi();
    bool is_found = pg::execute_pinned(text, count, types, values) == SPI_OK_SELECT && SPI_processed > 0;
    SPI_finish();
    return is_found;
}

} // namespace

void look_at_reference(const QueryDesc *query) {
    if (!is_check_of_references(query)) {
        return;
    }
    session::RegisteredTable child;
    Oid relation = rt_fetch(1, query->plannedstmt->rtable)->relid;
    bool is_meant = session::find_registered_table(relation, &child) && !references_live_row(query, child);
    strlcpy(table, is_meant ? get_rel_name(relation) : "", sizeof(table));
}

void forget_reference() noexcept {
    table[0] = '\0';
}

void explain_reference(void *unused) {
    (void)unused;
    int code = geterrcode();
    if (table[0] != '\0' && (code == ERRCODE_FOREIGN_KEY_VIOLATION || code == ERRCODE_RESTRICT_VIOLATION)) {
        errhint(
            "Only deleted rows of table \"%s\" reference it. They keep what they reference until they are "
            "purged.",
            table);
        table[0] = '\0';
    }
}

} // namespace softdelete::deletion
