// Keeps the rules of anonymization in step with what they name. An analyzed rule knows columns, functions, types and the like by
// number: made before a command that renames one, it is deparsed with the new names after it. Event triggers call both halves.
// What is fit before a command and unfit after it, or on sql_drop, refuses the command: what was unfit already is for check() to say.
// Rules are parsed as their table's owner, whoever runs the command, and no function that they call runs.
#include "ddl/follow_anonymizers.hpp"
#include "sqltext/format.hpp"

#include "catalog/foreign_keys.hpp"
#include "ddl/command_table.hpp"
#include "ddl/renamed_object.hpp"
#include "erasure/rule_check.hpp"
#include "pg/column_expression.hpp"
#include "pg/compat_owners.hpp"
#include "pg/dropped_objects.hpp"
#include "pg/interruptions.hpp"
#include "pg/named_objects.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "pg/transactions.hpp"
#include "registry/anonymizers.hpp"
#include "registry/registry_scan.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
}

#include <algorithm>
#include <optional>
#include <ranges>

namespace softdelete::ddl {

namespace {

using catalog::TableInfo;
using registry::Anonymizer;

// What a command may do to a rule.
enum class Change {
    name,       // gives something that it names another name
    expression, // takes something that it names away
    column      // or gives its column a key or NOT NULL
};

// Belongs to the command that may change it, and to none that runs within it.
struct PreparedRule {
    uint64 command;
    Oid relation;
    char *column;
    AttrNumber attribute;
    char *expression;
    Change change;
    Node *tree; // for another name; null: it was unfit before
    int nest_level;
    PreparedRule *next;
};

PreparedRule *prepared_rules = nullptr;

void remember(Oid relation, const Anonymizer &rule, Change change, Node *tree) {
    pg::call([&] {
        MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
        auto *entry = static_cast<PreparedRule *>(palloc(sizeof(PreparedRule)));
        *entry = {session::running_command(),
                  relation,
                  pstrdup(rule.column.c_str()),
                  get_attnum(relation, rule.column.c_str()),
                  pstrdup(rule.expression.c_str()),
                  change,
                  static_cast<Node *>(copyObjectImpl(tree)),
                  GetCurrentTransactionNestLevel(),
                  prepared_rules};
        prepared_rules = entry;
        MemoryContextSwitchTo(caller);
    });
}

// Null where the rule is unfit already, which is not for this command to say.
Node *analyze(const TableInfo &table, const Anonymizer &rule) {
    try {
        pg::Subtransaction savepoint;
        Node *tree = nullptr;
        {
            pg::UserScope owner(table.owner);
            tree = pg::analyze_column_expression(table.relation, rule.column, rule.expression);
        }
        savepoint.commit();
        return tree;
    } catch (const pg::ServerError &error) {
        if (pg::is_interruption(error)) {
            throw;
        }
        return nullptr;
    }
}

// name: up to its first quote.
bool mentions(const Anonymizer &rule, const std::string &name) {
    return rule.column.find(name) != std::string::npos || rule.expression.find(name) != std::string::npos;
}

// The tables that the command changes, and what inherits from them: their columns come, go and are renamed with theirs.
List *find_changed_with_heirs(const DdlCommand &command) {
    List *tables = NIL;
    ListCell *cell;
    foreach (cell, find_changed_tables(command)) {
        if (OidIsValid(lfirst_oid(cell))) {
            tables = list_concat_unique_oid(tables, find_all_inheritors(lfirst_oid(cell), NoLock, nullptr));
        }
    }
    return tables;
}

// May the rule name what the command renames? name: of that, up to its first quote. Asked before the rule is analyzed, which locks its
// table.
bool may_name(const registry::TableRule &rule, const DdlCommand &command, const char *name,
              const char *exact_name, const List *changed) {
    if (list_member_oid(changed, rule.relation) && mentions(rule.rule, name)) {
        return true;
    }
    return names(rule.objects, exact_name) && (!renames_part(command.node) || mentions(rule.rule, name));
}

// Has the expression the object in its names, or in those of what it names?
bool is_named(const TableInfo &table, Node *tree, const ObjectAddress &object) {
    return std::ranges::any_of(pg::find_all_that_name(table.relation, tree), [&](const ObjectAddress &named) {
        return named.classId == object.classId && named.objectId == object.objectId;
    });
}

// Until the transaction ends the rule is nobody else's to write, whose own new names would get lost: it is that of the column, or names
// the object, so that whoever renames has a right to it.
void prepare_renamed(pg::Spi &spi, Oid relation, Anonymizer rule, const ObjectAddress &object,
                     bool is_of_changed_table) {
    if (!erasure::has_column(relation, rule.column)) {
        return;
    }
    const TableInfo table = catalog::get_table(spi, relation);
    for (;;) {
        Node *tree = analyze(table, rule);
        if (!is_of_changed_table && (tree == nullptr || !is_named(table, tree, object))) {
            return;
        }
        const auto current = registry::lock_anonymizer(spi, relation, rule.column);
        if (!current) {
            return;
        }
        if (*current == rule.expression) {
            remember(relation, rule, Change::name, tree);
            return;
        }
        rule.expression = *current;
    }
}

void write_down_renamed(pg::Spi &spi) {
    for (const PreparedRule *rule = prepared_rules; rule != nullptr; rule = rule->next) {
        if (rule->command != session::running_command() || rule->change != Change::name) {
            continue;
        }
        const char *column = pg::call(
            [&] { return static_cast<const char *>(get_attname(rule->relation, rule->attribute, true)); });
        if (column == nullptr) {
            continue;
        }
        if (column != std::string(rule->column)) {
            registry::rename_anonymizer(spi, rule->relation, rule->column, column);
        }
        if (rule->tree != nullptr) {
            registry::put_anonymizer(spi, rule->relation,
                                     {column, pg::deparse_column_expression(rule->relation, rule->tree)},
                                     pg::find_named_objects(rule->relation, rule->tree));
        }
    }
}

std::string make_remedy(const TableInfo &table, const Anonymizer &rule) {
    return sqltext::format("Run SELECT softdelete.set_anonymizer(%1%, %2%, NULL) first.",
                           pg::quote_literal(table.name), pg::quote_literal(rule.column));
}

[[noreturn]] void raise_unfit(const TableInfo &table, const Anonymizer &rule, const std::string &fault) {
    pg::raise(
        {.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
         .message = sqltext::format("the rule for anonymization of column \"%1%\" of table %2% does not fit "
                                    "the table any more",
                                    rule.column, table.title),
         .detail = fault,
         .hint = make_remedy(table, rule),
         .relation = table.relation});
}

// May the command give a column a key, or take NULL from it?
bool adds_constraint(const Node *statement) {
    ListCell *cell;
    foreach (cell, castNode(AlterTableStmt, const_cast<Node *>(statement))->cmds) {
        switch (lfirst_node(AlterTableCmd, cell)->subtype) {
        case AT_AddConstraint:
        case AT_AddColumn:
        case AT_SetNotNull:
        case AT_AddIdentity:
        case AT_AlterColumnType:
            return true;
        default:
            break;
        }
    }
    return false;
}

// Whoever may set another rule is asked to. Others take away with CASCADE what is theirs, and the rule is used no more.
void lose_rule(const TableInfo &table, const Anonymizer &rule, const std::string &object,
               const Node *statement) {
    const std::string name = sqltext::format("the rule for anonymization of column \"%1%\" of table %2%",
                                             rule.column, table.title);
    const bool is_his = pg::call([&] { return has_privs_of_role(GetUserId(), table.owner); });
    if (!is_his && pg::call([&] { return cascades(statement); })) {
        pg::warn(sqltext::format("%1% cannot be used any more", name),
                 sqltext::format("It names %1%. The owner of the table sets another one.", object));
        return;
    }
    pg::raise({.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
               .message = sqltext::format("cannot drop %1% because %2% names it", object, name),
               .hint = is_his ? make_remedy(table, rule)
                              : std::string("Use DROP ... CASCADE to drop it; the rule cannot be used then."),
               .relation = table.relation});
}

std::optional<std::string> find_fault(pg::Spi &spi, const TableInfo &table, const Anonymizer &rule,
                                      Change change) {
    return change == Change::column ? erasure::find_fault(spi, table, rule)
                                    : erasure::find_fault_of_expression(table, rule);
}

void prepare(pg::Spi &spi, Oid relation, const Anonymizer &rule, Change change) {
    if (!erasure::has_column(relation, rule.column)) {
        return;
    }
    const TableInfo table = catalog::get_table(spi, relation);
    if (!find_fault(spi, table, rule, change)) {
        remember(relation, rule, change, nullptr);
    }
}

void prepare_table(pg::Spi &spi, Oid relation, Change change) {
    const std::vector<Anonymizer> rules = registry::find_anonymizers(spi, relation);
    for (const Anonymizer &rule : rules | std::views::reverse) {
        prepare(spi, relation, rule, change);
    }
}

// Those of the tables that ALTER TABLE changes that have rules.
std::vector<Oid> find_ruled_among_changed(pg::Spi &spi, const DdlCommand &command) {
    const List *changed = pg::call([&] { return find_changed_with_heirs(command); });
    std::vector<Oid> ruled;
    for (Oid relation : registry::find_tables_with_rules(spi)) {
        if (list_member_oid(changed, relation)) {
            ruled.push_back(relation);
        }
    }
    return ruled;
}

void prepare_altered(pg::Spi &spi, const DdlCommand &command, const List *newly_referenced) {
    const Change change = adds_constraint(command.node) ? Change::column : Change::expression;
    for (Oid relation : find_ruled_among_changed(spi, command)) {
        prepare_table(spi, relation, change);
    }
    ListCell *cell;
    foreach (cell, newly_referenced) {
        prepare_table(spi, lfirst_oid(cell), Change::column);
    }
}

// Raises the fault that the command has made.
void check_prepared(pg::Spi &spi) {
    for (const PreparedRule *prepared = prepared_rules; prepared != nullptr; prepared = prepared->next) {
        if (prepared->command != session::running_command() || prepared->change == Change::name
            || !erasure::has_column(prepared->relation, prepared->column)) {
            continue;
        }
        const Anonymizer rule = {prepared->column, prepared->expression};
        const TableInfo table = catalog::get_table(spi, prepared->relation);
        if (const auto fault = find_fault(spi, table, rule, prepared->change)) {
            raise_unfit(table, rule, *fault);
        }
    }
}

// A rule goes with its column.
void forget_rules_of_dropped_columns(pg::Spi &spi, const DdlCommand &command) {
    for (Oid relation : find_ruled_among_changed(spi, command)) {
        for (const Anonymizer &rule : registry::find_anonymizers(spi, relation)) {
            if (!erasure::has_column(relation, rule.column)) {
                registry::delete_anonymizer(spi, relation, rule.column);
            }
        }
    }
}

// All keys of a table that was just made are new.
void check_keys_of_new_table(pg::Spi &spi, Oid relation) {
    for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, relation)) {
        for (const Anonymizer &rule : registry::find_anonymizers(spi, key.parent.relation)) {
            if (const auto fault = erasure::find_fault_of_key(spi, key.parent, rule, key.constraint)) {
                raise_unfit(key.parent, rule, *fault);
            }
        }
    }
}

} // namespace

bool has_rules() {
    return row_security && registry::has_rows("anonymizer");
}

void prepare_anonymizers(const DdlCommand &command) {
    const char *renamed = pg::call([&] { return find_former_name(command.node); });
    const ObjectAddress object = pg::call([&] { return find_renamed_object(command.node); });
    const List *newly_referenced = pg::call([&] { return find_newly_referenced(command.node); });
    pg::Spi spi; // which pins the search_path
    if (IsA(command.node, AlterTableStmt)) {
        prepare_altered(spi, command, newly_referenced);
    }
    const List *cast_types = pg::call([&] { return find_own_types_of_casts(command.node); });
    if (cast_types == NIL && !pg::call([&] {
            return OidIsValid(object.objectId) && pg::compat::owns_object(object, GetUserId());
        })) {
        return; // or the command is refused
    }
    const char *exact_name = pg::call([&] { return find_exact_name(object); });
    const List *changed = pg::call([&] { return find_changed_with_heirs(command); });
    const std::vector<registry::TableRule> rules = registry::find_all_anonymizers(spi);
    for (const registry::TableRule &rule :
         rules | std::views::reverse) { // the last one remembered is checked first
        if (renamed != nullptr && may_name(rule, command, renamed, exact_name, changed)) {
            prepare_renamed(spi, rule.relation, rule.rule, object, list_member_oid(changed, rule.relation));
        }
        if (pg::call([&] { return may_use_type(rule.objects, rule.relation, cast_types); })) {
            prepare(spi, rule.relation, rule.rule, Change::expression);
        }
    }
}

void finish_anonymizers(const DdlCommand &command) {
    pg::Spi spi;
    write_down_renamed(spi);
    if (IsA(command.node, AlterTableStmt)) {
        forget_rules_of_dropped_columns(spi, command);
    }
    check_prepared(spi);
    if (OidIsValid(command.relation) && get_create(command.node) != nullptr) {
        check_keys_of_new_table(spi, command.relation);
    }
}

void refuse_loss_of_rules(const Node *statement) {
    pg::Spi spi;
    check_prepared(spi);
    std::vector<std::string> identities;
    const List *objects = pg::call([] { return pg::get_dropped_objects(); });
    ListCell *cell;
    foreach (cell, objects) {
        const auto *object = static_cast<const pg::DroppedObject *>(lfirst(cell));
        if (!object->is_temporary) { // which no rule names
            identities.push_back(pg::make_exact_identity(object->type, object->identity));
        }
    }
    for (const auto &[relation, rule, object] : registry::find_rules_naming(spi, identities)) {
        if (erasure::has_column(relation, rule.column)) {
            lose_rule(catalog::get_table(spi, relation), rule, object, statement);
        }
    }
}

void forget_prepared_anonymizers(int nest_level) noexcept {
    while (prepared_rules != nullptr && prepared_rules->nest_level >= nest_level) {
        prepared_rules = prepared_rules->next;
    }
}

} // namespace softdelete::ddl
