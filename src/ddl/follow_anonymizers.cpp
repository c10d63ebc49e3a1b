// Keeps the rules of anonymization in step with what they name. An analyzed rule knows columns, functions, types and the like by
// number: made before a command that renames one, it is deparsed with the new names after it. Event triggers call both halves, and
// ask on sql_drop whether every rule finds what it names. Rules are parsed as their table's owner, whoever runs the command.
#include "ddl/follow_anonymizers.hpp"
#include "sqltext/format.hpp"

#include "catalog/foreign_keys.hpp"
#include "ddl/command_table.hpp"
#include "ddl/renamed_object.hpp"
#include "erasure/rule_check.hpp"
#include "pg/column_expression.hpp"
#include "pg/dropped_objects.hpp"
#include "pg/interruptions.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "pg/transactions.hpp"
#include "registry/anonymizers.hpp"
#include "registry/registry_scan.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_cast.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
}

#include <set>

namespace softdelete::ddl {

namespace {

using catalog::TableInfo;
using registry::Anonymizer;

// Belongs to the command that renames something, and to none that runs within it.
struct PreparedRule {
    uint64 command;
    Oid relation;
    char *column;
    AttrNumber attribute;
    char *expression;
    Node *tree; // null: it was unfit before
    int nest_level;
    PreparedRule *next;
};

PreparedRule *prepared_rules = nullptr;

void remember(Oid relation, const Anonymizer &rule, Node *tree) {
    pg::call([&] {
        MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
        auto *entry = static_cast<PreparedRule *>(palloc(sizeof(PreparedRule)));
        *entry = {session::running_command(),       relation,
                  pstrdup(rule.column.c_str()),     get_attnum(relation, rule.column.c_str()),
                  pstrdup(rule.expression.c_str()), static_cast<Node *>(copyObjectImpl(tree)),
                  GetCurrentTransactionNestLevel(), prepared_rules};
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

void write_down_renamed(pg::Spi &spi) {
    for (const PreparedRule *rule = prepared_rules; rule != nullptr; rule = rule->next) {
        if (rule->command != session::running_command()) {
            continue;
        }
        const char *column = pg::call(
            [&] { return static_cast<const char *>(get_attname(rule->relation, rule->attribute, true)); });
        if (column == nullptr) {
            continue;
        }
        const std::string expression = rule->tree == nullptr
                                           ? rule->expression
                                           : pg::deparse_column_expression(rule->relation, rule->tree);
        if (column != std::string(rule->column) || expression != rule->expression) {
            registry::delete_anonymizer(spi, rule->relation, rule->column);
            registry::put_anonymizer(spi, rule->relation, {column, expression});
        }
    }
}

[[noreturn]] void raise_unfit(const TableInfo &table, const Anonymizer &rule, const std::string &fault) {
    const std::string title =
        pg::call([&] { return static_cast<const char *>(get_rel_name(table.relation)); });
    pg::raise(
        {.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
         .message = sqltext::format("the rule for anonymization of column \"%1%\" of table \"%2%\" does "
                                    "not fit the table any more",
                                    rule.column, title),
         .detail = fault,
         .hint =
             sqltext::format("Run SELECT softdelete.set_anonymizer(%1%, %2%, NULL) first.",
                             pg::quote_literal(pg::quote_identifier(title)), pg::quote_literal(rule.column)),
         .relation = table.relation});
}

bool has_column(Oid relation, const std::string &column) {
    return pg::call([&] { return get_attnum(relation, column.c_str()) != InvalidAttrNumber; });
}

// May the command give a column a key, or take NULL from it?
bool adds_constraint(const Node *statement) {
    if (const CreateStmt *create = get_create(statement)) {
        return create->constraints != NIL || create->tableElts != NIL;
    }
    if (!IsA(statement, AlterTableStmt)) {
        return false;
    }
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

// A rule goes with its column.
void check_rules(pg::Spi &spi, Oid relation, bool is_about_keys) {
    const std::vector<Anonymizer> rules = registry::find_anonymizers(spi, relation);
    if (rules.empty()) {
        return;
    }
    const TableInfo table = catalog::get_table(spi, relation);
    for (const Anonymizer &rule : rules) {
        if (!has_column(relation, rule.column)) {
            registry::delete_anonymizer(spi, relation, rule.column);
        } else if (const auto fault = is_about_keys ? erasure::find_fault(spi, table, rule)
                                                    : erasure::find_fault_of_expression(table, rule)) {
            raise_unfit(table, rule, *fault);
        }
    }
}

bool is_named(const pg::DroppedObject *object, const Anonymizer &rule) {
    if (object->class_id == CastRelationId) { // which has no name
        return true;
    }
    const char *name = nullptr;
    for (const char *part : object->names) {
        name = part == nullptr ? name : part;
    }
    return name != nullptr && mentions(rule, pg::call([&] { return get_plain_start(name); }));
}

} // namespace

bool has_rules() {
    return row_security && registry::has_rows("anonymizer");
}

void prepare_anonymizers(const DdlCommand &command) {
    const char *name = pg::call([&] { return find_former_name(command.node); });
    if (name == nullptr) {
        return;
    }
    pg::Spi spi;
    for (const auto &[relation, rule] : registry::find_all_anonymizers(spi)) {
        if (has_column(relation, rule.column) && mentions(rule, name)) {
            remember(relation, rule, analyze(catalog::get_table(spi, relation), rule));
        }
    }
}

void finish_anonymizers(const DdlCommand &command) {
    pg::Spi spi;
    write_down_renamed(spi);
    if (IsA(command.node, AlterTableStmt)) {
        const List *tables = pg::call([&] { return find_changed_tables(command); });
        ListCell *cell;
        foreach (cell, tables) {
            check_rules(spi, lfirst_oid(cell), adds_constraint(command.node));
        }
    }
    if (OidIsValid(command.relation) && adds_constraint(command.node)) {
        std::set<Oid> referenced;
        for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, command.relation)) {
            referenced.insert(key.parent.relation);
        }
        for (Oid relation : referenced) {
            check_rules(spi, relation, true);
        }
    }
}

void refuse_loss_of_rules() {
    pg::Spi spi;
    const List *objects = pg::call([] { return pg::get_dropped_objects(); });
    for (const auto &[relation, rule] : registry::find_all_anonymizers(spi)) {
        if (!has_column(relation, rule.column)) {
            continue;
        }
        bool is_any_named = false;
        ListCell *cell;
        foreach (cell, objects) {
            is_any_named =
                is_any_named || is_named(static_cast<const pg::DroppedObject *>(lfirst(cell)), rule);
        }
        if (!is_any_named) {
            continue;
        }
        const TableInfo table = catalog::get_table(spi, relation);
        if (const auto fault = erasure::find_fault_of_expression(table, rule)) {
            raise_unfit(table, rule, *fault);
        }
    }
}

void forget_prepared_anonymizers(int nest_level) noexcept {
    while (prepared_rules != nullptr && prepared_rules->nest_level >= nest_level) {
        prepared_rules = prepared_rules->next;
    }
}

} // namespace softdelete::ddl
