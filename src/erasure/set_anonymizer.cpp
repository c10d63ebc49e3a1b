// set_anonymizer(): checks a rule and keeps it, as the server deparses it. Called by api/erasure; ddl/follow_anonymizers
// keeps rules in step with what they name.
#include "erasure/set_anonymizer.hpp"
#include "erasure/anonymize_row.hpp"
#include "erasure/rule_check.hpp"
#include "sqltext/format.hpp"

#include "pg/named_objects.hpp"
#include "pg/scopes.hpp"
#include "registry/anonymizers.hpp"
#include "registry/registry.hpp"
#include "registry/rule_lock.hpp"
#include "rows/named_row.hpp"

#include <algorithm>

namespace softdelete::erasure {

namespace {

using catalog::TableInfo;

// Also of a column that was dropped while event triggers were off.
bool has_rule(pg::Spi &spi, const TableInfo &table, const std::string &column) {
    const std::vector<registry::Anonymizer> rules = registry::find_anonymizers(spi, table.relation);
    return std::ranges::any_of(rules,
                               [&](const registry::Anonymizer &rule) { return rule.column == column; });
}

void remove_rule(pg::Spi &spi, const TableInfo &table, const std::string &column) {
    registry::delete_anonymizer(spi, table.relation, column);
    auto registration = registry::find_registration(spi, table.relation);
    bool is_needed = registration ? registration->settings.on_expiry == model::OnExpiry::anonymize
                                  : anonymizes_archive(spi, table.relation);
    if (is_needed && registry::find_anonymizers(spi, table.relation).empty()) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("table %1% needs a rule for anonymization", table.title),
                   .detail = "Its rows are anonymized when their retention ends.",
                   .hint = "Set another rule first, or run softdelete.configure() with on_expiry => 'purge'.",
                   .relation = table.relation});
    }
}

// As the server does with what outlives the session.
void refuse_temporary(const TableInfo &table, Node *tree) {
    if (const char *object = pg::find_temporary(table.relation, tree)) {
        pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                   .message = "cannot use temporary objects in a rule for anonymization",
                   .detail = sqltext::format("The expression names %1%.", object),
                   .relation = table.relation});
    }
}

bool is_same(const ObjectAddress &one, const ObjectAddress &other) {
    return one.classId == other.classId && one.objectId == other.objectId;
}

// The names may have come to mean something else while it waited for the lock.
CheckedRule check_and_lock(pg::Spi &spi, const TableInfo &table, const registry::Anonymizer &rule) {
    std::vector<ObjectAddress> locked;
    for (;;) {
        CheckedRule checked = check_rule(spi, table, rule);
        refuse_temporary(table, checked.tree);
        std::vector<ObjectAddress> named = pg::find_all_that_name(table.relation, checked.tree);
        if (std::ranges::equal(named, locked, is_same)) {
            return checked;
        }
        pg::call([&] { registry::lock_named(named.data(), static_cast<int>(named.size())); });
        locked = std::move(named);
    }
}

} // namespace

void set_anonymizer(Oid relation, const std::string &column, const std::optional<std::string> &expression) {
    pg::Spi spi;
    TableInfo table = rows::get_owned_soft_table(spi, relation);
    if (!expression) {
        if (!has_rule(spi, table, column)) {
            check_column_exists(spi, table, column);
        }
        remove_rule(spi, table, column);
        return;
    }
    const CheckedRule rule = check_and_lock(spi, table, {column, *expression});
    if (rule.makes_alike) {
        pg::warn(
            sqltext::format("column \"%1%\" of table %2% is unique, and the rule gives every row the same "
                            "value",
                            column, table.title),
            "Let the rule use the key, as in 'deleted_' || id || '@removed.invalid'.");
    }
    registry::put_anonymizer(spi, table.relation, {column, rule.text},
                             pg::find_named_objects(table.relation, rule.tree));
}

} // namespace softdelete::erasure
