// What an archive and the views over it are made of, as SQL. Called when a table is registered and when it is repaired.
#pragma once

#include "archive/archive_settings.hpp"
#include "catalog/table_catalog.hpp"

#include <string>
#include <utility>
#include <vector>

namespace softdelete::archive {

// A column as the archive has it: no default, no constraint, and the type under a domain, whose rules say nothing of rows
// of the past.
struct ArchiveColumn {
    std::string name;
    sqltext::Identifier quoted;
    std::string definition; // quoted name, type and collation
    std::string type;
    bool is_external; // may be stored outside of the row
};

// The columns of a table, without those that are computed when they are read.
std::vector<ArchiveColumn> read_columns(pg::Spi &spi, Oid relation);

// The name of a table in the schema of the other.
sqltext::QualifiedName name_beside(const catalog::Table &table, const std::string &name);

// Makes the archive with its indexes, its guard and nobody's rights but the owner's.
std::vector<std::string> make_archive(const catalog::Table &table, const ArchiveSettings &settings,
                                      const std::vector<ArchiveColumn> &columns, const std::string &key);

// The trigger that keeps rows on hold from what a subscription removes; the server gives it to partitions.
std::vector<std::string> make_applied_trigger(const sqltext::QualifiedName &archive);

// The comment on the archive's time of deletion, which says how long rows are kept.
std::string make_retention_comment(const sqltext::QualifiedName &archive, const ArchiveSettings &settings);

// Large values go as they are: compressing in vain what did not compress would take most of the time.
std::string make_storage(const sqltext::QualifiedName &archive, const ArchiveColumn &column);

struct ViewDefinition {
    std::string name;
    const char *argument;             // of register()
    std::vector<std::string> columns; // names

    // What it selects from, each with an expression for every column.
    struct Part {
        std::string source;
        std::vector<std::string> expressions;
    };

    std::vector<Part> parts;

    // These columns come first, in this order.
    void keep_order(const std::vector<std::string> &first);
};

// The names of a view's columns, in their order.
std::vector<std::string> read_view_columns(pg::Spi &spi, Oid view);

// The columns of the table's primary key, quoted, with commas; empty where there is none.
std::string make_key(pg::Spi &spi, Oid relation);

// The views of live, deleted and all rows.
std::vector<ViewDefinition> make_views(const catalog::Table &table, const ArchiveSettings &settings,
                                       const std::vector<ArchiveColumn> &columns);

// The query of one, and the statement that makes it, with these options.
std::string make_view_query(const ViewDefinition &view);
std::string make_view(const catalog::Table &table, const ViewDefinition &view,
                      const std::string &options = "security_invoker = true");

// The names of the columns that the archive has beside those of its table.
std::vector<std::string> get_own_columns(const ArchiveSettings &settings);

// The same with their definitions, as CREATE TABLE and ADD COLUMN take them.
std::vector<std::pair<std::string, std::string>> make_own_columns(const ArchiveSettings &settings);

} // namespace softdelete::archive
