// anonymize(), and on_expiry => 'anonymize' for purge/purge_batch: one UPDATE per table by the rules in
// registry/anonymizers. The planner knows the statement as ours, so that it may write deletion_id.
#include "erasure/anonymize_row.hpp"
#include "sqltext/format.hpp"

#include "erasure/clear_subject.hpp"
#include "erasure/reset_statistics.hpp"
#include "holds/held_rows.hpp"
#include "pg/called_settings.hpp"
#include "pg/quote.hpp"
#include "registry/anonymizers.hpp"
#include "registry/erasure_log.hpp"
#include "registry/hold_log.hpp"
#include "rows/named_row.hpp"
#include "rows/physical_tree.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"

#include <algorithm>

namespace softdelete::erasure {

namespace {

using catalog::TableInfo;
using registry::Anonymizer;

[[noreturn]] void raise_no_rules(const TableInfo &table) {
    pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               .message = sqltext::format("table %1% has no rules for anonymization", table.title),
               .hint = "Set one for each column with personal data by softdelete.set_anonymizer().",
               .relation = table.relation});
}

// Who deleted the row, unless a rule of its own says what becomes of that. Live rows have nobody there.
std::string forget_actor(pg::Spi &spi, const TableInfo &table, const std::vector<Anonymizer> &rules) {
    bool has_rule = std::any_of(rules.begin(), rules.end(), [&](const Anonymizer &rule) {
        return pg::quote_identifier(rule.column) == table.deleted_by;
    });
    if (table.deleted_by.empty() || has_rule) {
        return "";
    }
    bool is_nullable = spi.query("SELECT NOT attnotnull FROM pg_catalog.pg_attribute WHERE attrelid = "
                                 "$1::pg_catalog.oid AND pg_catalog.quote_ident(attname) = $2",
                                 {table.relation, table.deleted_by})
                           .front()
                           .boolean(0);
    return is_nullable ? ", " + table.deleted_by + " = NULL" : "";
}

std::uint64_t overwrite(pg::Spi &spi, const TableInfo &table, const std::vector<Anonymizer> &rules,
                        const rows::RowSet &rows, const std::string &further) {
    std::string assignments;
    for (const Anonymizer &rule : rules) {
        assignments += sqltext::format("%1%%2% = (%3%)", (assignments.empty() ? "" : ", "),
                                       pg::quote_identifier(rule.column), rule.expression);
    }
    assignments += forget_actor(spi, table, rules);
    std::string name =
        spi.query("SELECT pg_catalog.quote_ident(relname) FROM pg_catalog.pg_class WHERE oid = "
                  "$1::pg_catalog.oid",
                  {table.relation})
            .front()
            .text(0);
    std::string statement =
        sqltext::format("%1% UPDATE %2% AS %3% SET %4%%5% WHERE %6% AND %7%", session::removal_text,
                        table.name, name, assignments, further, rows::see_all(table, name.c_str()),
                        rows::make_membership(table, name.c_str(), 1));
    session::OwnStatement own(statement, {.notes = session::note_removal, .runs_as_called = true});
    return spi.execute(statement, {rows.tables(), rows.positions()});
}

// Who deleted rows that stay as they are otherwise.
void clear_actors(pg::Spi &spi, const rows::TreeTable &member) {
    std::string assignment = member.table.is_registered ? forget_actor(spi, member.table, {}) : "";
    if (assignment.empty()) {
        return;
    }
    std::string statement = sqltext::format(
        "%1% UPDATE %2% AS t SET %3% WHERE %4% AND t.%5% IS NOT NULL AND %6%", session::removal_text,
        member.table.name, assignment.substr(2), rows::see_all(member.table, "t"), member.table.deleted_by,
        rows::make_membership(member.table, "t", 1));
    session::OwnStatement own(statement, {.notes = session::note_removal, .runs_as_called = true});
    pg::OwnersCodeScope owner(member.table.owner);
    spi.execute(statement, {member.rows.tables(), member.rows.positions()});
}

// What is to be overwritten of the tree: the tables that have rules.
rows::RowTree restrict_to_rules(pg::Spi &spi, const rows::RowTree &tree,
                                std::map<Oid, std::vector<Anonymizer>> *rules) {
    rows::RowTree part;
    for (const auto &[relation, member] : tree.tables) {
        std::vector<Anonymizer> found = registry::find_anonymizers(spi, relation);
        if (member.table.is_registered && !found.empty()) {
            (*rules)[relation] = std::move(found);
            part.tables[relation] = member;
            for (const rows::RowId &row : member.rows.ids()) {
                part.all.add(row);
            }
        }
    }
    return part;
}

void overwrite_tree(pg::Spi &spi, const rows::RowTree &tree,
                    const std::map<Oid, std::vector<Anonymizer>> &rules) {
    for (const auto &[relation, member] : tree.tables) {
        std::uint64_t rows = 0;
        try {
            pg::OwnersCodeScope owner(member.table.owner);
            rows = overwrite(spi, member.table, rules.at(relation), member.rows, "");
        } catch (pg::ServerError &error) {
            error.clear_context();
            throw;
        }
        if (rows != member.rows.size()) {
            pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                       .message = sqltext::format("not all rows of table %1% could be overwritten",
                                                  member.table.title),
                       .detail = "A trigger of the table kept rows. Nothing was changed.",
                       .hint = "Disable the trigger, or let it pass rows that are anonymized.",
                       .relation = relation});
        }
    }
}

} // namespace

std::string anonymize_row(Oid relation, const std::optional<std::string> &reason,
                          const std::vector<std::string> &key) {
    pg::Spi spi;
    rows::check_reason(reason, key);
    TableInfo table = rows::get_owned_table(spi, relation);
    if (registry::find_anonymizers(spi, table.relation).empty()) {
        raise_no_rules(table);
    }
    pg::call([] { registry::lock_holds(registry::HoldLock::exclusive); });
    rows::SubjectRow row = rows::get_subject_row(spi, table, key, rows::SubjectLock::for_update);
    rows::check_reason(reason, row.key);
    std::map<Oid, std::vector<Anonymizer>> rules;
    rows::RowTree whole = rows::collect_tree(spi, row.rows);
    rows::RowTree tree = restrict_to_rules(spi, whole, &rules);
    for (const auto &[oid, member] : tree.tables) {
        holds::check_held_rows(spi, member.table, member.rows, "anonymize");
    }
    std::vector<std::string> deletions = find_own_deletions(spi, whole);
    overwrite_tree(spi, tree, rules);
    registry::clear_deletions(spi, deletions);
    for (const auto &[oid, member] : whole.tables) {
        if (!rules.contains(oid)) {
            clear_actors(spi, member);
        }
    }
    reset_statistics(spi, whole.get_relations());
    return registry::insert_erasure(spi, table, {"anonymize", *reason, tree.count(spi), row.key});
}

std::uint64_t anonymize_rows(pg::Spi &spi, const TableInfo &table, const rows::RowSet &rows) {
    std::vector<Anonymizer> rules = registry::find_anonymizers(spi, table.relation);
    if (rules.empty()) {
        raise_no_rules(table);
    }
    pg::OwnersCodeScope owner(table.owner);
    return overwrite(spi, table, rules, rows,
                     ", deletion_id = - pg_catalog.abs(coalesce(deletion_id, 9223372036854775807))");
}

std::string make_pending_condition(const char *alias) {
    return sqltext::format("coalesce(%1%.deletion_id, 1) > 0", alias);
}

} // namespace softdelete::erasure
