// Reads and writes the rules of anonymization, as the extension's owner. Called by erasure/ and by
// ddl/follow_anonymizers.
#include "registry/anonymizers.hpp"

#include "pg/scopes.hpp"

namespace softdelete::registry {

namespace {

// query: returns the column and the expression; $1: the relation.
std::vector<Anonymizer> read_rules(pg::Spi &spi, const char *query, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<Anonymizer> rules;
    for (const pg::Row &row : spi.query_kept(query, {relation})) {
        rules.push_back({row.text(0), row.text(1)});
    }
    return rules;
}

// The columns: relation, column, expression, objects.
std::vector<TableRule> read_table_rules(const std::vector<pg::Row> &rows) {
    std::vector<TableRule> rules;
    for (const pg::Row &row : rows) {
        rules.push_back({row.oid(0), {row.text(1), row.text(2)}, row.text(3)});
    }
    return rules;
}

constexpr const char *own_query = R"(
    SELECT column_name, expression FROM softdelete_internal.anonymizer
    WHERE relation = $1::pg_catalog.oid ORDER BY column_name)";

constexpr const char *inherited_query = R"(
    WITH RECURSIVE line (relation, distance) AS (
        SELECT $1::pg_catalog.oid, 0
        UNION SELECT h.inhparent, l.distance + 1 FROM line l JOIN pg_catalog.pg_inherits h ON h.inhrelid = l.relation)
    SELECT DISTINCT ON (a.column_name) a.column_name, a.expression
    FROM line l JOIN softdelete_internal.anonymizer a ON a.relation = l.relation
    ORDER BY a.column_name, l.distance)";

} // namespace

std::vector<Anonymizer> find_anonymizers(pg::Spi &spi, Oid relation) {
    return read_rules(spi, own_query, relation);
}

std::vector<Anonymizer> find_rules_for_rows(pg::Spi &spi, Oid relation) {
    return read_rules(spi, inherited_query, relation);
}

std::vector<Oid> find_tables_with_rules(pg::Spi &spi) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<Oid> tables;
    for (const pg::Row &row :
         spi.query_kept("SELECT DISTINCT a.relation::pg_catalog.oid FROM softdelete_internal.anonymizer a "
                        "JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) "
                        "a.relation::pg_catalog.oid",
                        {})) {
        tables.push_back(row.oid(0));
    }
    return tables;
}

std::vector<TableRule> find_all_anonymizers(pg::Spi &spi) {
    pg::UserScope owner(pg::get_extension_owner());
    return read_table_rules(
        spi.query_kept("SELECT a.relation::pg_catalog.oid, a.column_name, a.expression,"
                       " pg_catalog.array_to_string(a.objects, E'\\n') FROM softdelete_internal.anonymizer a"
                       " JOIN pg_catalog.pg_class c ON c.oid = a.relation::pg_catalog.oid ORDER BY 1, 2",
                       {}));
}

std::optional<std::string> lock_anonymizer(pg::Spi &spi, Oid relation, const std::string &column) {
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row :
         spi.query("SELECT expression FROM softdelete_internal.anonymizer WHERE relation = $1::pg_catalog.oid"
                   " AND column_name = $2::pg_catalog.name FOR UPDATE",
                   {relation, column})) {
        return row.text(0);
    }
    return std::nullopt;
}

std::vector<TableRule> find_rules_naming(pg::Spi &spi, const std::vector<std::string> &identities) {
    pg::UserScope owner(pg::get_extension_owner());
    return read_table_rules(
        spi.query_kept("SELECT a.relation::pg_catalog.oid, a.column_name, a.expression,"
                       " (SELECT o FROM pg_catalog.unnest(a.objects) o WHERE o = ANY ($1::pg_catalog.text[])"
                       " ORDER BY pg_catalog.array_position($1::pg_catalog.text[], o) LIMIT 1)"
                       " FROM softdelete_internal.anonymizer a"
                       " JOIN pg_catalog.pg_class c ON c.oid = a.relation::pg_catalog.oid"
                       " WHERE a.objects && $1::pg_catalog.text[] ORDER BY 1, 2",
                       {pg::make_array(identities)}));
}

void put_anonymizer(pg::Spi &spi, Oid relation, const Anonymizer &rule,
                    const std::vector<std::string> &objects) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "INSERT INTO softdelete_internal.anonymizer AS a (relation, column_name, expression, objects) VALUES"
        " ($1::pg_catalog.oid, $2::pg_catalog.name, $3, $4::pg_catalog.text[])"
        " ON CONFLICT (relation, column_name) DO UPDATE SET expression = excluded.expression,"
        " objects = excluded.objects"
        " WHERE (a.expression, a.objects) IS DISTINCT FROM (excluded.expression, excluded.objects)",
        {relation, rule.column, rule.expression, pg::make_array(objects)});
}

void rename_anonymizer(pg::Spi &spi, Oid relation, const std::string &column, const std::string &name) {
    delete_anonymizer(spi, relation, name);
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.anonymizer SET column_name = $3::pg_catalog.name"
                " WHERE relation = $1::pg_catalog.oid AND column_name = $2::pg_catalog.name",
                {relation, column, name});
}

void delete_anonymizer(pg::Spi &spi, Oid relation, const std::string &column) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "DELETE FROM softdelete_internal.anonymizer WHERE relation = $1::pg_catalog.oid AND column_name = "
        "$2::pg_catalog.name",
        {relation, column});
}

} // namespace softdelete::registry
