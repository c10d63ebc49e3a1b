// Makes and drops the triggers by SQL. As those of registered tables, they fire in every mode of replication, and DROP
// EXTENSION takes them along.
#include "history/history_triggers.hpp"

#include "model/trigger_names.hpp"
#include "sqltext/format.hpp"

namespace softdelete::history {

namespace {

constexpr const char *members_query = R"(
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), p.relid = $1::pg_catalog.oid
    FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
    JOIN pg_catalog.pg_class c ON c.oid = p.relid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    UNION ALL
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), true
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1::pg_catalog.oid AND c.relkind = 'r'
    ORDER BY 2 DESC, 1)";

// Those that the server has cloned go with the one of the table.
constexpr const char *drop_query = R"(
    SELECT pg_catalog.format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname)
    FROM (SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
          UNION SELECT $1::pg_catalog.oid) AS m (relid)
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = m.relid AND t.tgparentid = 0
    JOIN pg_catalog.pg_class c ON c.oid = m.relid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgname IN ($2::pg_catalog.name, $3::pg_catalog.name)
    ORDER BY 1)";

constexpr const char *lacking_query = R"(
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM (SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
          UNION SELECT $1::pg_catalog.oid) AS m (relid)
    JOIN pg_catalog.pg_class c ON c.oid = m.relid AND c.relkind IN ('r', 'p')
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = $2::pg_catalog.name)
    ORDER BY 1)";

constexpr const char *disabled_query = R"(
    SELECT pg_catalog.format('ALTER TABLE ONLY %I.%I ENABLE ALWAYS TRIGGER %I', n.nspname, c.relname, t.tgname)
    FROM (SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
          UNION SELECT $1::pg_catalog.oid) AS m (relid)
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = m.relid AND t.tgenabled <> 'A'
    JOIN pg_catalog.pg_class c ON c.oid = m.relid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgname IN ($2::pg_catalog.name, $3::pg_catalog.name)
    ORDER BY 1)";

// DROP EXTENSION takes it along.
void make_dependent(pg::Spi &spi, const char *trigger, const std::string &table) {
    spi.execute(sqltext::format("ALTER TRIGGER %1% ON %2% DEPENDS ON EXTENSION softdelete", trigger, table));
}

} // namespace

// The server clones triggers for rows to partitions.
void create_triggers(pg::Spi &spi, const catalog::TableInfo &table) {
    spi.execute(
        sqltext::format("CREATE TRIGGER %1% AFTER INSERT OR UPDATE OR DELETE ON %2% FOR EACH ROW EXECUTE "
                        "FUNCTION softdelete_internal.on_history_change()",
                        model::history_trigger, table.name));
    make_dependent(spi, model::history_trigger, table.name);
    complete_triggers(spi, table.relation);
}

void drop_triggers(pg::Spi &spi, const catalog::TableInfo &table) {
    for (const pg::Row &statement :
         spi.query(drop_query, {table.relation, model::history_trigger, model::history_truncate_trigger})) {
        spi.execute(statement.text(0));
    }
}

void complete_triggers(pg::Spi &spi, Oid relation) {
    for (const pg::Row &member : spi.query(lacking_query, {relation, model::history_truncate_trigger})) {
        spi.execute(
            sqltext::format("CREATE TRIGGER %1% BEFORE TRUNCATE ON %2% FOR EACH STATEMENT EXECUTE FUNCTION "
                            "softdelete_internal.on_history_truncate()",
                            model::history_truncate_trigger, member.text(0)));
        make_dependent(spi, model::history_truncate_trigger, member.text(0));
    }
    for (const pg::Row &statement :
         spi.query(disabled_query, {relation, model::history_trigger, model::history_truncate_trigger})) {
        spi.execute(statement.text(0));
    }
}

void create_guard(pg::Spi &spi, const std::string &history) {
    spi.execute(
        sqltext::format("CREATE TRIGGER %1% BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %2% FOR EACH "
                        "STATEMENT EXECUTE FUNCTION softdelete_internal.on_kept_table()",
                        model::kept_trigger, history));
    make_dependent(spi, model::kept_trigger, history);
}

void drop_guard(pg::Spi &spi, Oid history) {
    for (const pg::Row &member : spi.query(members_query, {history})) {
        spi.execute(
            sqltext::format("DROP TRIGGER IF EXISTS %1% ON %2%", model::kept_trigger, member.text(0)));
    }
}

} // namespace softdelete::history
