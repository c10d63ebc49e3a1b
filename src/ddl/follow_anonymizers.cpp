// Keeps the rules of anonymization in step with renamed and dropped columns. An analyzed rule knows columns by number:
// made before the rename, it is deparsed with the new names after it. Event triggers call both halves.
#include "ddl/follow_anonymizers.hpp"
#include "sqltext/format.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/column_expression.hpp"
#include "pg/interruptions.hpp"
#include "pg/quote.hpp"
#include "pg/spi.hpp"
#include "registry/anonymizers.hpp"
#include "registry/archive_scan.hpp"
#include "session/registered_table.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "access/xact.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

namespace softdelete::ddl {

namespace {

// Belongs to the command that renames a column, and to none that runs within it.
struct PreparedRule {
    uint64 command;
    char *column;
    AttrNumber attribute;
    Node *tree;
    int nest_level;
    PreparedRule *next;
};

PreparedRule *prepared_rules = nullptr;

// The registered table that the command is about; InvalidOid for none.
Oid find_table(const DdlCommand &command) {
    if (!OidIsValid(command.relation)
        || !(renames_column(command.node) || IsA(command.node, AlterTableStmt))) {
        return InvalidOid;
    }
    return pg::call([&] {
        bool is_soft = session::is_registered_table(command.relation)
                       || registry::find_archived_relation(command.relation) == command.relation;
        return is_soft ? command.relation : InvalidOid;
    });
}

void remember(Oid relation, const registry::Anonymizer &rule, Node *tree) {
    pg::call([&] {
        MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
        auto *entry = static_cast<PreparedRule *>(palloc(sizeof(PreparedRule)));
        *entry = {session::running_command(),
                  pstrdup(rule.column.c_str()),
                  get_attnum(relation, rule.column.c_str()),
                  static_cast<Node *>(copyObjectImpl(tree)),
                  GetCurrentTransactionNestLevel(),
                  prepared_rules};
        prepared_rules = entry;
        MemoryContextSwitchTo(caller);
    });
}

void write_down_renamed(pg::Spi &spi, Oid relation) {
    for (const PreparedRule *rule = prepared_rules; rule != nullptr; rule = rule->next) {
        if (rule->command != session::running_command()) {
            continue;
        }
        const char *column = pg::call(
            [&] { return static_cast<const char *>(get_attname(relation, rule->attribute, false)); });
        registry::delete_anonymizer(spi, relation, rule->column);
        registry::put_anonymizer(spi, relation,
                                 {column, pg::deparse_column_expression(relation, rule->tree)});
    }
}

void check_rule(Oid relation, const registry::Anonymizer &rule) {
    try {
        (void)pg::parse_column_expression(relation, rule.column, rule.expression);
    } catch (pg::ServerError &error) {
        if (pg::is_interruption(error)) {
            throw;
        }
        std::string title = pg::call([&] { return static_cast<const char *>(get_rel_name(relation)); });
        pg::raise(
            {.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
             .message = sqltext::format("the rule for anonymization of column \"%1%\" of table \"%2%\" does "
                                        "not fit the table any more",
                                        rule.column, title),
             .detail = error.message(),
             .hint = sqltext::format("Run SELECT softdelete.set_anonymizer(%1%, %2%, NULL) first.",
                                     pg::quote_literal(pg::quote_identifier(title)),
                                     pg::quote_literal(rule.column)),
             .relation = relation});
    }
}

} // namespace

void prepare_anonymizers(const DdlCommand &command) {
    const Node *statement = command.node;
    Oid relation = renames_column(statement) ? find_table(command) : InvalidOid;
    if (!OidIsValid(relation)) {
        return;
    }
    pg::Spi spi;
    for (const registry::Anonymizer &rule : registry::find_anonymizers(spi, relation)) {
        remember(relation, rule, pg::parse_column_expression(relation, rule.column, rule.expression).tree);
    }
}

void finish_anonymizers(const DdlCommand &command) {
    const Node *statement = command.node;
    Oid relation = find_table(command);
    if (!OidIsValid(relation)) {
        return;
    }
    pg::Spi spi;
    if (renames_column(statement)) {
        write_down_renamed(spi, relation);
        return;
    }
    for (const registry::Anonymizer &rule : registry::find_anonymizers(spi, relation)) {
        AttrNumber attribute = pg::call([&] { return get_attnum(relation, rule.column.c_str()); });
        if (attribute == InvalidAttrNumber) {
            registry::delete_anonymizer(spi, relation, rule.column);
        } else {
            check_rule(relation, rule);
        }
    }
}

void forget_prepared_anonymizers(int nest_level) noexcept {
    while (prepared_rules != nullptr && prepared_rules->nest_level >= nest_level) {
        prepared_rules = prepared_rules->next;
    }
}

} // namespace softdelete::ddl
