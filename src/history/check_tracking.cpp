// Refuses the tables that register() refuses as well, but for inheritance children, whose rows have a history of their own.
#include "history/check_tracking.hpp"

#include "catalog/kept_tables.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "session/distributed_tables.hpp"
#include "session/extension_functions.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
}

namespace softdelete::history {

namespace {

using catalog::TableInfo;

struct Facts {
    std::string title;
    char kind;
    bool is_temporary;
    bool is_partition;
    std::string root;
    bool is_ours;
};

constexpr const char *facts_query = R"(
    SELECT '"' || c.relname || '"', c.relkind, c.relpersistence = 't',
           c.relispartition,
           coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.text, ''),
           n.nspname IN ('softdelete', 'softdelete_internal')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1::pg_catalog.oid)";

Facts read_facts(pg::Spi &spi, Oid relation) {
    auto rows = spi.query(facts_query, {relation});
    if (rows.empty()) {
        pg::raise({.sqlstate = ERRCODE_UNDEFINED_TABLE,
                   .message = sqltext::format("relation with OID %1% does not exist", relation),
                   .hint = "Name a table, as in 'public.orders'."});
    }
    const pg::Row &row = rows.front();
    return {row.text(0), row.text(1).at(0), row.boolean(2), row.boolean(3), row.text(4), row.boolean(5)};
}

[[noreturn]] void refuse(Oid relation, const std::string &message, const std::string &hint,
                         const std::string &detail = {}) {
    pg::raise({.sqlstate = ERRCODE_WRONG_OBJECT_TYPE,
               .message = message,
               .detail = detail,
               .hint = hint,
               .relation = relation});
}

void check_kind(pg::Spi &spi, const Facts &facts, Oid relation) {
    if (facts.kind == RELKIND_FOREIGN_TABLE) {
        refuse(relation, "cannot track the history of foreign table " + facts.title,
               "Track it on the server that keeps its rows.");
    }
    if (facts.kind != RELKIND_RELATION && facts.kind != RELKIND_PARTITIONED_TABLE) {
        refuse(relation, facts.title + " is not a table", "Track the tables that it reads.");
    }
    if (relation < FirstNormalObjectId) {
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = "permission denied: " + facts.title + " is a system catalog",
                   .hint = "Track your own tables only."});
    }
    const std::string kept = catalog::describe_kept(spi, relation);
    if (facts.is_ours || !kept.empty()) {
        refuse(relation,
               "cannot track the history of table " + facts.title + ", which softdelete keeps itself",
               "Track your own tables only.", kept);
    }
    if (pg::call([&] { return session::is_distributed(relation); })) {
        pg::raise(
            {.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
             .message = "cannot track the history of table " + facts.title + ", which is a table of Citus",
             .detail = "Its rows are kept in shards, which Citus moves and copies.",
             .hint = "Track tables that are local to this server.",
             .relation = relation});
    }
    if (facts.is_temporary) {
        refuse(relation, "cannot track the history of temporary table " + facts.title,
               "Create a permanent table.");
    }
    if (facts.is_partition) {
        refuse(relation, "cannot track the history of partition " + facts.title + " alone",
               "Track the partitioned table " + facts.root + ".");
    }
}

void check_table(pg::Spi &spi, Oid relation) {
    Facts facts = read_facts(spi, relation);
    check_kind(spi, facts, relation);
    if (!pg::owns_relation(relation)) {
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = "must be owner of table " + facts.title.substr(1, facts.title.size() - 2),
                   .hint = "The table's owner, a member of that role, or a superuser can do this.",
                   .relation = relation});
    }
}

} // namespace

TableInfo lock_trackable(pg::Spi &spi, Oid relation) {
    pg::call([] { session::check_version(); });
    check_table(spi, relation);
    pg::call([&] {
        LockRelationOid(relation, ShareRowExclusiveLock);
        if (get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE) {
            (void)find_all_inheritors(relation, ShareRowExclusiveLock, nullptr);
        }
    });
    check_table(spi, relation); // it may have changed meanwhile
    return catalog::get_table(spi, relation);
}

[[noreturn]] void raise_retention(const char *problem) {
    pg::raise(
        {.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
         .message = sqltext::format("retention must %1%", problem),
         .hint = "Give a length of time, such as '10 years', or leave it out: entries are kept for ever."});
}

void check_retention(pg::Spi &spi, const std::optional<std::string> &retention) {
    if (!retention) {
        return;
    }
    if (retention->find("infinity") != std::string::npos) {
        raise_retention("be finite");
    }
    const pg::Row row = spi.query("SELECT $1::pg_catalog.interval > interval '0', $1::pg_catalog.interval > "
                                  "interval '5000 years'",
                                  {retention})
                            .front();
    if (!row.boolean(0)) {
        raise_retention("be longer than nothing");
    }
    if (row.boolean(1)) { // now() minus the retention has to be a time
        raise_retention("not be longer than 5000 years");
    }
}

void check_left_out(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &left_out) {
    for (const std::string &column : left_out) {
        if (spi.query("SELECT FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND attname = "
                      "$2::pg_catalog.name AND attnum > 0 AND NOT attisdropped",
                      {table.relation, column})
                .empty()) {
            pg::raise({.sqlstate = ERRCODE_UNDEFINED_COLUMN,
                       .message =
                           sqltext::format("column \"%1%\" of table %2% does not exist", column, table.title),
                       .hint = "Name columns of the table in without => '{...}'.",
                       .relation = table.relation});
        }
        for (const catalog::KeyColumn &key : catalog::find_primary_key(spi, table.relation)) {
            if (key.name == pg::quote_identifier(column)) {
                pg::raise({.sqlstate = ERRCODE_INVALID_COLUMN_REFERENCE,
                           .message = sqltext::format("column \"%1%\" of the primary key cannot be left out",
                                                      column),
                           .hint = "The history is looked up by the key.",
                           .relation = table.relation});
            }
        }
    }
}

Oid find_history(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    auto rows = spi.query_kept(
        "SELECT c.oid FROM softdelete_internal.tracked_table t JOIN pg_catalog.pg_class c ON c.oid "
        "= t.history WHERE t.relation = $1::pg_catalog.oid",
        {relation});
    return rows.empty() ? InvalidOid : rows.front().oid(0);
}

Oid get_history(pg::Spi &spi, const TableInfo &table) {
    Oid history = find_history(spi, table.relation);
    if (!OidIsValid(history)) {
        catalog::check_not_kept(spi, table.relation);
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("table %1% has no history", table.title),
                   .hint = sqltext::format("Run SELECT softdelete.track_history(%1%).",
                                           pg::quote_literal(table.name)),
                   .relation = table.relation});
    }
    return history;
}

void warn_of_children(const TableInfo &table) {
    if (table.has_children && !table.is_partitioned) {
        pg::warn(sqltext::format("table %1% has inheritance children, whose rows have no part in its history",
                                 table.title),
                 "Give each child a history of its own.");
    }
}

} // namespace softdelete::history
