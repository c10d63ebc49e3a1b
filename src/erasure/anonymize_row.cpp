// anonymize(), and on_expiry => 'anonymize' for purge/purge_batch: one UPDATE per table by the rules in
// registry/anonymizers. The planner knows the statement as ours, so that it may write deletion_id.
#include "erasure/anonymize_row.hpp"
#include "sqltext/format.hpp"

#include "erasure/clear_subject.hpp"
#include "erasure/former_deletions.hpp"
#include "erasure/lock_subject_holds.hpp"
#include "erasure/overwrite_rows.hpp"
#include "erasure/reset_statistics.hpp"
#include "erasure/rule_check.hpp"
#include "erasure/subject_tree.hpp"
#include "history/overwrite_entries.hpp"
#include "holds/held_rows.hpp"
#include "pg/called_settings.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "registry/anonymizers.hpp"
#include "registry/archive_scan.hpp"
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

// Of an archive the table that its rows were deleted from.
Oid get_ruled_table(Oid relation) {
    const Oid kept = pg::call([&] { return registry::find_table_of_archive(relation); });
    return OidIsValid(kept) ? kept : relation;
}

// Who deleted rows that stay as they are otherwise. Of an archive as well. Returns those that a hold keeps as they are.
rows::RowSet clear_actors(pg::Spi &spi, const rows::TreeTable &member) {
    if (!forgets_actor(spi, member.table, {})) {
        return {};
    }
    const rows::RowSet held = holds::has_holds(spi) ? holds::find_held_rows(spi, member.table, member.rows,
                                                                            holds::Harm::overwriting)
                                                    : rows::RowSet();
    rows::RowSet free;
    for (const rows::RowId &row : member.rows.ids()) {
        if (!held.contains(row)) {
            free.add(row);
        }
    }
    std::string statement =
        sqltext::format("%1% UPDATE %2% AS t SET %3% = NULL WHERE %4% AND t.%3% IS NOT NULL AND %5%",
                        session::removal_text, member.table.name, member.table.deleted_by,
                        rows::see_all(member.table, "t"), rows::make_membership(member.table, "t", 1));
    session::OwnStatement own(statement, {.notes = session::note_removal, .runs_as_called = true});
    pg::OwnerScope owner(member.table.owner);
    spi.execute(statement, {free.tables(), free.positions()});
    return held;
}

// Released holds keep the key that they were for.
bool changes_key(pg::Spi &spi, const TableInfo &table, const std::vector<Anonymizer> &rules) {
    const std::vector<catalog::KeyColumn> key = catalog::find_primary_key(spi, table.relation);
    return std::any_of(key.begin(), key.end(), [&](const catalog::KeyColumn &column) {
        return std::any_of(rules.begin(), rules.end(), [&](const Anonymizer &rule) {
            return pg::quote_identifier(rule.column) == column.name;
        });
    });
}

// Returns how many entries of which histories were removed, by the history's name.
registry::HistoryCounts overwrite_tree(pg::Spi &spi, SubjectTree &tree, std::set<std::string> *told) {
    try {
        RowsLeft left;
        for (const auto &[relation, member] : tree.overwritten.tables) {
            (void)overwrite_rows(spi, member.table, tree.rules.at(relation), member.rows, Occasion::request,
                                 &left, told);
        }
        for (const std::string &archive : find_still_left(spi, left)) {
            tree.not_reached.insert(sqltext::format(
                "rows of %1% that keep the former key of a row that they reference", archive));
        }
        tree.not_reached.insert(left.recorded.not_reached.begin(), left.recorded.not_reached.end());
        return left.recorded.removed;
    } catch (pg::ServerError &error) {
        error.clear_context();
        if (error.sqlstate() == ERRCODE_UNIQUE_VIOLATION && !error.has_hint()) {
            error.set_hint("Let the rule give every row a value of its own, as with gen_random_uuid().");
        }
        throw;
    }
}

// What had the subject's key before and is gone.
void add_gone_before(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &key,
                     const std::vector<Anonymizer> &rules, SubjectTree &tree) {
    rows::RowSet present = history::find_last_lives(table, {key});
    if (table.archive) {
        const auto archived = tree.overwritten.tables.find(table.archive->relation);
        if (archived != tree.overwritten.tables.end()) {
            present.add_all(history::find_archived_lives(spi, table, archived->second.rows).own);
        }
    }
    const rows::RowSet all = history::find_lives(table, {key});
    for (const rows::RowId &entry : all.ids()) {
        if (!present.contains(entry)) {
            tree.gone[table.relation].add(entry);
            tree.gone_rules[table.relation] = rules;
        }
    }
}

} // namespace

std::string anonymize_row(Oid relation, const std::optional<std::string> &reason,
                          const std::vector<std::string> &key) {
    pg::Spi spi;
    rows::check_reason(reason, key);
    TableInfo table = rows::get_owned_soft_table(spi, relation);
    const std::vector<Anonymizer> rules = registry::find_rules_for_rows(spi, table.relation);
    if (rules.empty()) {
        raise_no_rules(table);
    }
    std::set<Oid> locked;
    while (lock_subject_holds(spi, table, &locked)) {
    }
    const rows::KeyedRows found = rows::find_keyed_rows(spi, table, key, rows::SubjectLock::for_update);
    const std::vector<std::string> &stored = found.get_key(table, key);
    rows::check_reason_as_key(spi, table, *reason, stored);
    rows::RowTree whole = found.row ? rows::collect_tree(spi, found.row->rows) : rows::RowTree();
    const catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    SubjectTree tree = find_subject_tree(spi, table, lookup, whole);
    while (lock_subject_holds(spi, table, &locked)) { // keys that came meanwhile
        tree = find_subject_tree(spi, table, lookup, whole);
    }
    for (const auto &[oid, its_rules] : tree.rules) {
        check_usable(catalog::get_table(spi, get_ruled_table(oid)), its_rules);
    }
    for (const auto &[below, its_rules] : tree.gone_rules) {
        check_usable(catalog::get_table(spi, below), its_rules);
    }
    for (const auto &[oid, member] : tree.overwritten.tables) {
        holds::check_held_rows(spi, member.table, member.rows, "anonymize", holds::Harm::overwriting);
        whole.all.add_all(member.rows);
        whole.tables.try_emplace(oid, member);
    }
    for (const auto &[oid, member] : tree.archived.tables) {
        whole.all.add_all(member.rows);
        whole.tables.try_emplace(oid, member);
    }
    std::vector<std::string> deletions = find_own_deletions(spi, whole);
    std::vector<std::string> holds;
    if (changes_key(spi, table, rules)) {
        holds = find_released_holds(spi, whole.all);
    }
    add_gone_before(spi, table, stored, rules, tree);
    std::set<std::string> told;
    for (const auto &[below, its_rules] : tree.gone_rules) { // before entries of archived rows are among them
        (void)history::overwrite_entries(spi, catalog::get_table(spi, below), its_rules, tree.gone.at(below),
                                         &told);
    }
    const registry::HistoryCounts removed = overwrite_tree(spi, tree, &told);
    registry::clear_deletions(spi, deletions);
    registry::clear_holds(spi, holds);
    for (const auto &[oid, member] : whole.tables) {
        if (!tree.rules.contains(oid)) {
            if (!clear_actors(spi, member).empty()) {
                tree.not_reached.insert(
                    sqltext::format("who deleted rows of %1% that a hold protects", member.table.name));
            }
        }
    }
    std::set<Oid> subjects = {table.relation};
    for (const auto &[oid, its_rules] : tree.rules) {
        subjects.insert(get_ruled_table(oid));
    }
    const FormerDeletions former = find_former_deletions(spi, told, subjects);
    registry::clear_deletions(spi, former.own);
    tree.not_reached.insert(former.not_reached.begin(), former.not_reached.end());
    std::set<Oid> touched = whole.get_relations();
    for (const auto &[oid, member] : tree.overwritten.tables) {
        std::set<Oid> partitions = history::find_partitions(spi, oid);
        touched.insert(partitions.begin(), partitions.end());
        touched.insert(oid); // an archive as a whole
    }
    reset_statistics(spi, touched);
    std::string counts = registry::add_counts(spi, tree.overwritten.count(spi), removed);
    std::vector<std::string> not_reached(tree.not_reached.begin(), tree.not_reached.end());
    return registry::insert_erasure(
        spi, table, {"anonymize", *reason, std::move(counts), stored, std::move(not_reached)});
}

std::uint64_t anonymize_rows(pg::Spi &spi, const TableInfo &table, const rows::RowSet &rows) {
    const Oid ruled = get_ruled_table(table.relation);
    std::vector<Anonymizer> rules = registry::find_rules_for_rows(spi, ruled);
    if (rules.empty()) {
        raise_no_rules(table);
    }
    check_usable(catalog::get_table(spi, ruled), rules);
    const std::set<std::string> deletions = find_deletions(spi, {table, rows});
    const std::uint64_t count = overwrite_rows(spi, table, rules, rows, Occasion::on_expiry);
    registry::clear_deletions(spi, find_emptied(spi, deletions));
    return count;
}

bool anonymizes_archive(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    return !spi.query("SELECT FROM softdelete_internal.archive WHERE relation = $1::pg_catalog.oid AND "
                      "on_expiry = 'anonymize'",
                      {relation})
                .empty();
}

std::string make_pending_condition(const char *alias) {
    return sqltext::format("coalesce(%1%.deletion_id, 1) > 0", alias);
}

} // namespace softdelete::erasure
