// Asked for each table of a registration with strategy => 'auto', by archive/register_by_strategy.
#include "archive/choose_strategy.hpp"

#include "archive/own_columns.hpp"
#include "catalog/rule_catalog.hpp"
#include "pg/scopes.hpp"
#include "sqltext/format.hpp"

#include <set>

namespace softdelete::archive {

namespace {

using registration::RegisterRequest;

constexpr const char *join_table =
    "a join table: its primary key consists of several foreign keys, and nothing references it";

bool is_referenced(pg::Spi &spi, const catalog::Table &table) {
    constexpr const char *query = "SELECT FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND "
                                  "(k.confrelid = $1::pg_catalog.oid OR "
                                  "k.confrelid IN (SELECT p.relid::pg_catalog.oid FROM "
                                  "pg_catalog.pg_partition_tree($1::pg_catalog.oid) p)) "
                                  "LIMIT 1";
    return !spi.query(query, {table.oid}).empty();
}

// Columns of the primary key, by their numbers.
using KeyColumns = std::set<int>;

KeyColumns read_key(pg::Spi &spi, const catalog::Table &table) {
    KeyColumns columns;
    for (const catalog::PrimaryKeyColumn &column : catalog::find_primary_key_columns(spi, table.oid)) {
        columns.insert(table.find_column(column.name)->number);
    }
    return columns;
}

// What foreign keys have of it.
std::set<KeyColumns> find_links(pg::Spi &spi, const catalog::Table &table, const KeyColumns &key) {
    std::set<KeyColumns> links;
    for (const catalog::OwnForeignKey &own : catalog::find_own_foreign_keys(spi, table.oid)) {
        KeyColumns link;
        for (int column : own.columns) {
            if (own.is_enforced && key.contains(column)) {
                link.insert(column);
            }
        }
        links.insert(link);
    }
    return links;
}

// Does the key consist of foreign keys, and join rows by them? What one of them has of it, such as a tenant's id, another one
// may have as well. One to which the others add nothing extends the row that it references.
bool is_made_of(const KeyColumns &key, const std::set<KeyColumns> &links) {
    KeyColumns linked;
    for (const KeyColumns &link : links) {
        linked.insert(link.begin(), link.end());
    }
    return linked == key && !links.contains(key);
}

bool is_join_table(pg::Spi &spi, const catalog::Table &table) {
    const KeyColumns key = read_key(spi, table);
    return !key.empty() && is_made_of(key, find_links(spi, table, key)) && !is_referenced(spi, table);
}

// Of an argument that archives have not; null where there is none.
const char *find_argument(const RegisterRequest &request) {
    if (request.visibility != "filter") {
        return "visibility";
    }
    if (request.indexes && *request.indexes != "none") {
        return "indexes";
    }
    return nullptr;
}

// A column with a name of the archive's own: deleted rows were marked in it before, or are to be.
std::string find_column(const RegisterRequest &request, const catalog::Table &table) {
    for (const std::string &name :
         {request.deleted_at, request.deleted_by.value_or(""), std::string(deletion_id_column)}) {
        if (table.find_column(name) != nullptr) {
            return name;
        }
    }
    return "";
}

// Why the table cannot have an archive; empty where it can.
std::string find_obstacle(pg::Spi &spi, const RegisterRequest &request, const catalog::Table &table) {
    const std::string column = find_column(request, table);
    if (!column.empty() || catalog::has_marker(spi, table.oid)) {
        return column.empty() ? "its deleted rows are marked already"
                              : sqltext::format("it has a column %1% already", column);
    }
    if (const char *argument = find_argument(request)) {
        return sqltext::format("argument %1% is for tables without one", argument);
    }
    if (table.find_heir() != nullptr) {
        return "it has inheritance children";
    }
    if (catalog::find_insert_rule(spi, table.oid)) {
        return "it has a rule for INSERT";
    }
    return "";
}

} // namespace

Choice choose_strategy(pg::Spi &spi, const RegisterRequest &request, const catalog::Table &table) {
    if (!is_join_table(spi, table)) {
        return {false, ""};
    }
    const std::string obstacle = find_obstacle(spi, request, table);
    return obstacle.empty()
               ? Choice{true, join_table}
               : Choice{false, sqltext::format("a join table without an archive, because %1%", obstacle)};
}

} // namespace softdelete::archive
