// Adds our hints to errors of the server that only a registered table can cause, and takes rows out of those that the caller
// may not read. Some are raised where a statement is parsed, before any hook sees it. So that is done by an error context
// callback that lies at the bottom of the server's stack of them (elog.c) for the whole session.
#include "hooks/hooks.hpp"

#include "deletion/explain_duplicate.hpp"
#include "model/trigger_names.hpp"
#include "pg/called_settings.hpp"
#include "pg/compat.hpp"
#include "pg/server.hpp"
#include "session/extension_functions.hpp"
#include "session/own_statement.hpp"
#include "session/row_checks.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
}

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace softdelete::hooks {

namespace {

constexpr const char *missing_data = "missing data for column \"%s\"";
constexpr const char *no_schema_privilege = "permission denied for schema %s";
constexpr const char *tied_trigger = "trigger \"%s\" depends on an extension and this is not supported for "
                                     "distributed tables and local tables added to metadata";
constexpr const char *field_count = "row field count is %d, expected %d";
constexpr const char *name_columns = "If the table is registered with softdelete, the file lacks the columns "
                                     "that softdelete added: name those that it "
                                     "has, as in COPY table (column, ...) FROM.";

constexpr const char *archived =
    "If the table is registered with softdelete's strategy archive, its deleted rows are "
    "in the view deleted_<table>, and softdelete.restore() brings them back.";

constexpr const char *missing_function = "function %s does not exist";
constexpr const char *say_since =
    "Name a deletion, as in softdelete.undo(7), or say since when, as in softdelete.undo("
    "relation => 'orders', since => now() - interval '1 hour').";

struct Hint {
    int sqlstate;
    const char *message_id; // the server's message, untranslated
    const char *function;   // of the server's, that raises it; null for any
    const char *text;
};

const Hint hints[] = {
    {ERRCODE_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist",
     "get_relation_constraint_attnos",
     "If the table is registered with softdelete, the constraint is a partial unique index now: name its "
     "columns, as "
     "in ON CONFLICT (column)."},
    {ERRCODE_INVALID_FOREIGN_KEY,
     "there is no unique constraint matching given keys for referenced table \"%s\"", nullptr,
     "If the table is registered with softdelete, its unique constraints are partial unique indexes, which a "
     "foreign "
     "key cannot reference: reference the primary key, or run softdelete.configure(..., indexes => 'none'), "
     "which makes them constraints again, of deleted rows too."},
    {ERRCODE_FEATURE_NOT_SUPPORTED, "cannot cluster on partial index \"%s\"", nullptr,
     "If the table is registered with softdelete, the index covers live rows only: cluster on the primary "
     "key."},
    {ERRCODE_CHECK_VIOLATION, "new row for relation \"%s\" violates partition constraint", nullptr,
     "If the table is registered with softdelete and the partition depends on whether rows are deleted, a "
     "deletion moves the row: delete through the partitioned table."},
    {ERRCODE_FEATURE_NOT_SUPPORTED, "cannot use partial index \"%s\" as replica identity", nullptr,
     "If the table is registered with softdelete, the index covers live rows only: use the primary key, or "
     "REPLICA "
     "IDENTITY FULL."},
    {ERRCODE_INSUFFICIENT_PRIVILEGE, no_schema_privilege, nullptr,
     "Foreign keys and softdelete act as the owner of the table, who needs USAGE on its schema, and CREATE "
     "where an object is made in it."},
    {ERRCODE_INTERNAL_ERROR, tied_trigger, nullptr,
     "A table that is registered with softdelete cannot become a table of Citus, nor reference one: run "
     "softdelete.unregister() first."},
    {ERRCODE_BAD_COPY_FILE_FORMAT, missing_data, nullptr, name_columns},
    {ERRCODE_BAD_COPY_FILE_FORMAT, field_count, nullptr, name_columns},
    {ERRCODE_UNDEFINED_COLUMN, "column \"%s\" does not exist", nullptr, archived},
    {ERRCODE_UNDEFINED_COLUMN, "column %s.%s does not exist", nullptr, archived},
    {ERRCODE_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", nullptr, archived},
    {ERRCODE_UNDEFINED_FUNCTION, missing_function, nullptr, say_since},
};

bool names_our_column(const char *message) {
    return strstr(message, "deleted_at") != nullptr || strstr(message, "deleted_by") != nullptr
           || strstr(message, "deletion_id") != nullptr;
}

// undo(), or undo_preview(), with arguments that none of its forms has, as a table and no time.
bool names_undo(const char *message) {
    return strstr(message, "softdelete.undo(") != nullptr
           || strstr(message, "softdelete.undo_preview(") != nullptr;
}

// Is the first number of the text, whatever language it is in, smaller than the second?
bool is_first_smaller(const char *text) {
    const char *first = strpbrk(text, "0123456789");
    char *rest = nullptr;
    long number = first == nullptr ? 0 : strtol(first, &rest, 10);
    const char *second = first == nullptr ? nullptr : strpbrk(rest, "0123456789");
    return second != nullptr && number < strtol(second, nullptr, 10);
}

// As foreign keys do, softdelete and what maintains tables; unlike functions of users that are SECURITY DEFINER.
bool acts_as_owner() {
    Oid user = InvalidOid;
    int context = 0;
    GetUserIdAndSecContext(&user, &context);
    return (context & (SECURITY_NOFORCE_RLS | SECURITY_RESTRICTED_OPERATION)) != 0;
}

// A line that is too short for columns of the user's own, and one that is too long, say nothing of ours.
bool is_about_others(const ErrorData *error) {
    if (strcmp(error->message_id, no_schema_privilege) == 0) {
        return !acts_as_owner();
    }
    if (strcmp(error->message_id, tied_trigger) == 0) {
        return strstr(error->message, model::own_trigger_prefix) == nullptr;
    }
    if (strcmp(error->message_id, missing_function) == 0) {
        return !names_undo(error->message);
    }
    if (strcmp(error->message_id, field_count) == 0) {
        return !is_first_smaller(error->message);
    }
    return (strcmp(error->message_id, missing_data) == 0 || error->sqlerrcode == ERRCODE_UNDEFINED_COLUMN)
           && !names_our_column(error->message);
}

// Values that are wrong, and constraints that are violated. A division by zero is one of the command's own expression.
bool is_about_row(int sqlstate) {
    int category = ERRCODE_TO_CATEGORY(sqlstate);
    return (category == ERRCODE_DATA_EXCEPTION && sqlstate != ERRCODE_DIVISION_BY_ZERO)
           || category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

bool may_be_known(int sqlstate) {
    return sqlstate == ERRCODE_UNIQUE_VIOLATION
           || std::any_of(std::begin(hints), std::end(hints),
                          [=](const Hint &hint) { return hint.sqlstate == sqlstate; });
}

// The server's own hint is general where a function is missing: to cast its arguments.
bool has_hint_to_keep(const ErrorData *error) {
    return error->hint != nullptr && error->sqlerrcode != ERRCODE_UNDEFINED_FUNCTION;
}

const char *find_hint(const ErrorData *error) {
    if (has_hint_to_keep(error) || error->message_id == nullptr || error->elevel < ERROR) {
        return nullptr;
    }
    if (session::is_checking_rows() && is_about_row(error->sqlerrcode)) {
        return "Deleted rows count as well, and an UPDATE does not see them unless it is told to: run it "
               "after SET "
               "LOCAL softdelete.visibility = 'all'.";
    }
    for (const Hint &hint : hints) {
        bool is_raised_there = hint.function == nullptr
                               || (error->funcname != nullptr && strcmp(error->funcname, hint.function) == 0);
        if (is_raised_there && strcmp(error->message_id, hint.message_id) == 0 && !is_about_others(error)) {
            return hint.text;
        }
    }
    return nullptr;
}

bool is_installed() {
    return IsTransactionState() && session::find_extension_functions() != nullptr;
}

// Constant text, or null. The catalogs are looked at for an error that is known only: others may be raised under a lock.
const char *choose_hint(const ErrorData *error) {
    const char *hint = find_hint(error);
    if (hint == nullptr && !deletion::is_duplicate_key(error)) {
        return nullptr;
    }
    return !is_installed() ? nullptr : hint != nullptr ? hint : deletion::explain_duplicate(error);
}

// The server shows in a DETAIL what the current role may read: in a statement that we run, or in a referential action of it,
// that is the owner of the table. Keys of foreign keys deletion/foreign_key_errors sees to.
bool may_quote_row(int sqlstate) {
    return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION
           && sqlstate != ERRCODE_FOREIGN_KEY_VIOLATION && sqlstate != ERRCODE_RESTRICT_VIOLATION
           && (session::has_own_statements() || pg::CalledSettings::are_in_force()) && IsTransactionState();
}

bool is_hidden_from(Oid role, Oid table) {
    return !pg::compat::may_select(table, role) || check_enable_rls(table, role, true) == RLS_ENABLED;
}

bool quotes_hidden_row(const ErrorData *error) {
    if (error->elevel < ERROR || error->detail == nullptr || error->schema_name == nullptr
        || error->table_name == nullptr) {
        return false;
    }
    Oid schema = get_namespace_oid(error->schema_name, true);
    Oid table = OidIsValid(schema) ? get_relname_relid(error->table_name, schema) : InvalidOid;
    // Code of whoever called may catch the error: that of a function that is SECURITY DEFINER, too.
    return OidIsValid(table)
           && (is_hidden_from(pg::CalledSettings::caller(), table)
               || session::is_called_by_any(is_hidden_from, table));
}

void hide_row() {
    MemoryContext copies = AllocSetContextCreate(ErrorContext, "softdelete detail", ALLOCSET_SMALL_SIZES);
    MemoryContext former = MemoryContextSwitchTo(copies);
    bool hides = quotes_hidden_row(CopyErrorData());
    MemoryContextSwitchTo(former);
    MemoryContextDelete(copies);
    if (hides) {
        errdetail("The row is shown to those who may read the table.");
    }
}

// Called for every message of the session, so that it looks at the SQLSTATE first.
void add_hint(void *) {
    int code = geterrcode();
    if (may_quote_row(code)) {
        hide_row();
    }
    if (!may_be_known(code) && !(session::is_checking_rows() && is_about_row(code))) {
        return;
    }
    // CopyErrorData() wants another context than that of errors.
    MemoryContext copies = AllocSetContextCreate(ErrorContext, "softdelete hint", ALLOCSET_SMALL_SIZES);
    MemoryContext former = MemoryContextSwitchTo(copies);
    const char *hint = choose_hint(CopyErrorData());
    MemoryContextSwitchTo(former);
    MemoryContextDelete(copies);
    if (hint != nullptr) {
        errhint("%s", hint);
    }
}

ErrorContextCallback bottom = {nullptr, add_hint, nullptr};

} // namespace

// The server empties the stack when an error has ended a statement.
void keep_error_hints() noexcept {
    if (error_context_stack == nullptr) {
        error_context_stack = &bottom;
    }
}

} // namespace softdelete::hooks
