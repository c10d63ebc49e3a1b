// Makes, keeps and runs the statements of the cascade, from the constraint's own columns and operators. They run as
// ri_triggers.c runs its queries: as the table's owner, and with snapshots that notice concurrent changes under
// REPEATABLE READ and SERIALIZABLE. Called by deletion/cascade.
#include "deletion/cascade_statements.hpp"

#include "deletion/foreign_key_errors.hpp"
#include "pg/called_settings.hpp"
#include "pg/compat.hpp"
#include "pg/relation_changes.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace softdelete::deletion {

namespace {

enum StatementKind { delete_by_one, delete_by_many, find_by_one, find_by_many, statement_kinds };

// The kept plans of one foreign key; forgotten when its tables or it change.
struct KeptPlans {
    Oid constraint; // hash key
    bool is_valid;
    Oid child;
    Oid parent;
    int running; // executions under way: a plan is not freed below one
    SPIPlanPtr plans[statement_kinds];
};

HTAB *kept_plans = nullptr;
int all_running = 0;

void forget_relation(Oid relation) {
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, kept_plans);
    while (auto *entry = static_cast<KeptPlans *>(hash_seq_search(&scan))) {
        if (!OidIsValid(relation) || entry->child == relation || entry->parent == relation) {
            entry->is_valid = false;
        }
    }
}

void forget_all(Datum, pg::compat::SysCacheIdentifier, uint32) {
    forget_relation(InvalidOid);
}

KeptPlans *get_kept_plans(const catalog::ForeignKeyInfo &key) {
    bool found = false;
    auto *entry = static_cast<KeptPlans *>(hash_search(kept_plans, &key.constraint, HASH_ENTER, &found));
    if (found && !entry->is_valid) {
        for (SPIPlanPtr &plan : entry->plans) {
            SPIPlanPtr former = std::exchange(plan, nullptr);
            if (former != nullptr && entry->running == 0) {
                SPI_freeplan(former);
            }
        }
    }
    if (!found || !entry->is_valid) {
        entry->child = key.child;
        entry->parent = key.parent;
        entry->is_valid = true;
    }
    if (!found) {
        entry->running = 0;
        memset(entry->plans, 0, sizeof(entry->plans));
    }
    return entry;
}

bool is_many(StatementKind kind) {
    return kind == delete_by_many || kind == find_by_many;
}

bool is_delete(StatementKind kind) {
    return kind == delete_by_one || kind == delete_by_many;
}

// The type in which the parent's column comes as a parameter.
Oid get_parameter_type(const catalog::ForeignKeyInfo &key, int column) {
    return getBaseType(get_atttype(key.parent, key.parent_columns[column]));
}

const char *quote_column(Oid relation, AttrNumber attribute) {
    return quote_identifier(get_attname(relation, attribute, false));
}

// The child's column, compared with the parent's collation where that matters, as RI_FKey_cascade_del() does.
void append_child_column(StringInfo text, const catalog::ForeignKeyInfo &key, int column, Oid operand) {
    appendStringInfo(text, "c.%s", quote_column(key.child, key.child_columns[column]));
    catalog::append_cast(text, get_atttype(key.child, key.child_columns[column]), operand);
    Oid type = InvalidOid;
    int32 typmod = 0;
    Oid parent_collation = InvalidOid;
    Oid child_collation = InvalidOid;
    get_atttypetypmodcoll(key.parent, key.parent_columns[column], &type, &typmod, &parent_collation);
    get_atttypetypmodcoll(key.child, key.child_columns[column], &type, &typmod, &child_collation);
    if (OidIsValid(parent_collation) && parent_collation != child_collation
        && !get_collation_isdeterministic(parent_collation)) {
        HeapTuple row = SearchSysCache1(COLLOID, ObjectIdGetDatum(parent_collation));
        const auto *form = reinterpret_cast<Form_pg_collation>(GETSTRUCT(row));
        appendStringInfo(
            text, " COLLATE %s",
            quote_qualified_identifier(get_namespace_name(form->collnamespace), NameStr(form->collname)));
        ReleaseSysCache(row);
    }
}

// One column and many keys: child = ANY (keys), which a B-tree searches once per key.
bool uses_array(const catalog::ForeignKeyInfo &key) {
    return key.columns == 1 && OidIsValid(get_commutator(key.equality[0]));
}

// How many of the keys a statement takes: those of a type that has no array type can only be handled one by one.
int get_step(const catalog::ForeignKeyInfo &key, int count) {
    for (int i = 0; i < key.columns && count > 1; i++) {
        if (!OidIsValid(get_array_type(get_parameter_type(key, i)))) {
            return 1;
        }
    }
    return count;
}

void append_condition(StringInfo text, const catalog::ForeignKeyInfo &key, bool by_many) {
    if (by_many && uses_array(key)) {
        Oid commutator = get_commutator(key.equality[0]);
        append_child_column(text, key, 0, catalog::get_operand_type(commutator, catalog::Side::left));
        catalog::append_operator(text, commutator);
        appendStringInfoString(text, "ANY ($1");
        Oid element = catalog::get_operand_type(commutator, catalog::Side::right);
        if (!IsPolymorphicType(element)) {
            catalog::append_cast(text, get_array_type(get_parameter_type(key, 0)), get_array_type(element));
        }
        appendStringInfoChar(text, ')');
        return;
    }
    for (int i = 0; i < key.columns; i++) {
        appendStringInfo(text, by_many ? "%sk.k%d" : "%s$%d", i == 0 ? "" : " AND ", i + 1);
        catalog::append_cast(text, get_parameter_type(key, i),
                             catalog::get_operand_type(key.equality[i], catalog::Side::left));
        catalog::append_operator(text, key.equality[i]);
        append_child_column(text, key, i, catalog::get_operand_type(key.equality[i], catalog::Side::right));
    }
}

void append_unnested_keys(StringInfo text, const catalog::ForeignKeyInfo &key) {
    appendStringInfoString(text, "ROWS FROM (");
    for (int i = 0; i < key.columns; i++) {
        appendStringInfo(text, "%spg_catalog.unnest($%d)", i == 0 ? "" : ", ", i + 1);
    }
    appendStringInfoString(text, ") AS k (");
    for (int i = 0; i < key.columns; i++) {
        appendStringInfo(text, "%sk%d", i == 0 ? "" : ", ", i + 1);
    }
    appendStringInfoChar(text, ')');
}

// A foreign key of a plain table says nothing of its inheritance children.
void append_child(StringInfo text, const catalog::ForeignKeyInfo &key) {
    bool is_partitioned = get_rel_relkind(key.child) == RELKIND_PARTITIONED_TABLE;
    appendStringInfo(text, "%s%s AS c", is_partitioned ? "" : "ONLY ", catalog::quote_table(key.child));
}

const char *make_statement(const catalog::ForeignKeyInfo &key, StatementKind kind) {
    StringInfoData text;
    initStringInfo(&text);
    bool joins_keys = is_many(kind) && !uses_array(key);
    appendStringInfo(&text, "%s", session::cascade_text);
    if (is_delete(kind)) {
        appendStringInfoString(&text, " DELETE FROM ");
    } else {
        appendStringInfoString(&text, " SELECT ");
        for (int i = 0; i < key.columns; i++) {
            appendStringInfo(&text, "%sc.%s", i == 0 ? "" : ", ",
                             quote_column(key.child, key.child_columns[i]));
        }
        appendStringInfoString(&text, " FROM ");
    }
    append_child(&text, key);
    if (joins_keys) {
        appendStringInfoString(&text, is_delete(kind) ? " USING " : ", ");
        append_unnested_keys(&text, key);
    }
    appendStringInfoString(&text, " WHERE ");
    append_condition(&text, key, is_many(kind));
    session::RegisteredTable child;
    if (!is_delete(kind)) {
        if (session::find_registered_table(key.child, &child)) {
            appendStringInfo(&text, " AND c.%s IS NULL", quote_column(key.child, child.deleted_at));
        }
        appendStringInfoString(&text, " LIMIT 1 FOR KEY SHARE OF c");
    }
    return text.data;
}

// Many keys are planned each time with the array at hand: a plan that fits any array is a disaster without an index.
// Where something that the plan depends on has changed it is made anew here, since the server would parse it under the
// search_path in force.
SPIPlanPtr get_plan(KeptPlans *kept, const catalog::ForeignKeyInfo &key, StatementKind kind) {
    if (kept->plans[kind] != nullptr && kept->running == 0 && !SPI_plan_is_valid(kept->plans[kind])) {
        SPI_freeplan(std::exchange(kept->plans[kind], nullptr));
    }
    if (kept->plans[kind] == nullptr) {
        Oid types[INDEX_MAX_KEYS];
        for (int i = 0; i < key.columns; i++) {
            Oid type = get_parameter_type(key, i);
            types[i] = is_many(kind) ? get_array_type(type) : type;
        }
        int options = is_many(kind) ? CURSOR_OPT_CUSTOM_PLAN : 0;
        SPIPlanPtr plan = pg::prepare_plan(make_statement(key, kind), key.columns, types, options);
        SPI_keepplan(plan);
        kept->plans[kind] = plan;
    }
    return kept->plans[kind];
}

Datum make_array(const catalog::ForeignKeyInfo &key, const KeyValues &keys, int column, int first,
                 int count) {
    Oid type = get_parameter_type(key, column);
    int16 length = 0;
    bool by_value = false;
    char alignment = 0;
    get_typlenbyvalalign(type, &length, &by_value, &alignment);
    return PointerGetDatum(
        construct_array(keys.values[column] + first, count, type, length, by_value, alignment));
}

// Runs a kept plan as the child's owner and returns how many rows it processed. In a transaction with one snapshot the
// plan looks at what is committed by now, and a row that the snapshot does not know is a serialization failure. Settings that
// somebody else's triggers make meanwhile end with the statement: the caller knows nothing of them.
uint64 run(const catalog::ForeignKeyInfo &key, StatementKind kind, Datum *values) {
    Snapshot test = InvalidSnapshot;
    Snapshot crosscheck = InvalidSnapshot;
    if (IsolationUsesXactSnapshot()) {
        CommandCounterIncrement();
        test = GetLatestSnapshot();
        crosscheck = GetTransactionSnapshot();
    }
    pg::Acting acting = pg::begin_acting_in_command(pg::get_owner(key.child), SECURITY_NOFORCE_RLS);
    bool is_others = acting.nest_level == 0 && pg::runs_others_code(GetUserId(), acting.before.user);
    int settings = is_others ? NewGUCNestLevel() : 0;
    KeptPlans *kept = get_kept_plans(key);
    SPIPlanPtr plan = get_plan(kept, key, kind);
    kept->running++;
    all_running++;
    int own = session::begin_own_statement(session::get_kept_text(plan), nullptr,
                                           {.notes = session::note_cascade, .called_by = acting.before.user});
    int code = pg::run_plan(plan, values, false, 0, test, crosscheck);
    session::end_own_statements(own);
    kept->running--;
    all_running--;
    if (is_others) {
        AtEOXact_GUC(false, settings);
    }
    pg::end_acting(acting);
    if (code != (is_delete(kind) ? SPI_OK_DELETE : SPI_OK_SELECT)) {
        report_rewritten(key);
    }
    return SPI_processed;
}

uint64 run_for(const catalog::ForeignKeyInfo &key, const KeyValues &keys, int first, int count,
               bool deletes) {
    Datum parameters[INDEX_MAX_KEYS];
    if (count == 1) {
        for (int i = 0; i < key.columns; i++) {
            parameters[i] = keys.values[i][first];
        }
        return run(key, deletes ? delete_by_one : find_by_one, parameters);
    }
    for (int i = 0; i < key.columns; i++) {
        parameters[i] = make_array(key, keys, i, first, count);
    }
    return run(key, deletes ? delete_by_many : find_by_many, parameters);
}

} // namespace

void delete_children(const catalog::ForeignKeyInfo &key, const KeyValues &keys, int first, int count) {
    int step = get_step(key, count);
    for (int done = 0; done < count; done += step) {
        run_for(key, keys, first + done, step, true);
    }
}

void refuse_children(const catalog::ForeignKeyInfo &key, const KeyValues &keys, int first, int count) {
    int step = get_step(key, count);
    for (int done = 0; done < count; done += step) {
        if (run_for(key, keys, first + done, step, false) > 0) {
            report_still_referenced(key, SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
        }
    }
}

void forget_running_plans() noexcept {
    if (all_running == 0) {
        return;
    }
    all_running = 0;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, kept_plans);
    while (auto *entry = static_cast<KeptPlans *>(hash_seq_search(&scan))) {
        entry->running = 0;
    }
}

void install_cascade_statements() {
    HASHCTL control = {};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(KeptPlans);
    kept_plans = hash_create("softdelete cascade plans", 64, &control, HASH_ELEM | HASH_BLOBS);
    pg::on_relation_change(forget_relation);
    CacheRegisterSyscacheCallback(CONSTROID, forget_all, 0);
}

} // namespace softdelete::deletion
