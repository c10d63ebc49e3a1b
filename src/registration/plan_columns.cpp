// The part of registration that adds or adopts the columns deleted_at, deleted_by and deletion_id, and analyzes them.
#include "catalog/quoting.hpp"
#include "registration/added_marks.hpp"
#include "registration/additions.hpp"
#include "registration/plan_parts.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>
#include <array>

namespace softdelete::registration {

namespace {

using catalog::Column;
using model::Action;

constexpr const char *comments_object = "comments";

constexpr const char *new_columns_remark =
    "COPY ... FROM without column names expects the new columns as well";

constexpr std::array actor_types = {"text", "varchar", "name", "uuid", "int2", "int4", "int8"};

bool is_one_of(const std::string &type, const auto &types) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

struct WantedColumn {
    std::string name;
    const char *argument; // of register(); null where there is none
    const char *type;
    std::vector<std::string> adoptable; // type names
    const char *meaning;
};

std::vector<WantedColumn> get_wanted_columns(const model::TableSettings &settings) {
    std::vector<WantedColumn> columns = {{settings.deleted_at,
                                          "deleted_at",
                                          "timestamptz",
                                          {"timestamptz", "timestamp"},
                                          "When the row was deleted"}};
    if (settings.deleted_by) {
        columns.push_back({*settings.deleted_by,
                           "deleted_by",
                           "text",
                           {actor_types.begin(), actor_types.end()},
                           "Who deleted the row"});
    }
    columns.push_back({deletion_id_column, nullptr, "bigint", {"int8"}, "The deletion that took the row"});
    return columns;
}

std::string get_hint(const TableWork &work, const WantedColumn &wanted) {
    if (wanted.argument == nullptr) {
        return "Rename the column: softdelete keeps the ids of deletions under this name.";
    }
    std::string name = std::string(wanted.argument) + " => '...', or change this one.";
    return work.is_named
               ? "Name another column with " + name
               : "Register table " + work.table.qualified.text() + " first, by itself, with " + name;
}

[[noreturn]] void refuse(const TableWork &work, int sqlstate, const Column &column,
                         const WantedColumn &wanted, const std::string &problem, const std::string &detail) {
    pg::raise({sqlstate, "column \"" + column.name + "\" of table \"" + work.table.name + "\" " + problem,
               detail, get_hint(work, wanted), work.table.oid});
}

std::string list_types(const std::vector<std::string> &types) {
    std::string list;
    for (std::size_t i = 0; i < types.size(); i++) {
        list += (i == 0 ? "" : i + 1 == types.size() ? " or " : ", ") + types[i];
    }
    return list;
}

void check_adoptable(const TableWork &work, const Column &column, const WantedColumn &wanted) {
    if (!is_one_of(column.base_type, wanted.adoptable)) {
        refuse(work, ERRCODE_DATATYPE_MISMATCH, column, wanted, "has type " + column.type,
               "It must be of type " + list_types(wanted.adoptable) + ".");
    }
    if (column.is_generated) {
        refuse(work, ERRCODE_INVALID_COLUMN_DEFINITION, column, wanted, "is a generated column",
               "softdelete has to write it.");
    }
    if (column.is_not_null) {
        refuse(work, ERRCODE_INVALID_COLUMN_DEFINITION, column, wanted, "does not accept nulls",
               "It is null in live rows.");
    }
    if (column.has_default) {
        refuse(work, ERRCODE_INVALID_COLUMN_DEFINITION, column, wanted, "has a default",
               "It is null in live rows, new ones included.");
    }
}

void note_added(TableWork &work, const std::string &name) {
    std::vector<std::string> &added = work.registration.added_columns;
    if (std::find(added.begin(), added.end(), name) == added.end()) {
        added.push_back(name);
    }
}

bool is_marked_as_added(const Column &column) {
    return column.comment && column.comment->ends_with(added_mark);
}

// With the first column only.
void say_once(TableWork &work, const char *remark) {
    bool is_said = std::any_of(work.steps.begin(), work.steps.end(),
                               [&](const model::Step &step) { return step.remark == remark; });
    if (!is_said) {
        work.steps.back().remark = remark;
    }
}

void plan_column(TableWork &work, const WantedColumn &wanted) {
    sqltext::Identifier name = catalog::identifier(wanted.name);
    std::string object = "column " + name.text();
    const Column *column = work.table.find_column(wanted.name);
    if (column == nullptr) {
        work.add_online(Action::create, work.table.oid, object,
                        sqltext::add_column(work.table.qualified, name, sqltext::Expression(wanted.type)));
        say_once(work, new_columns_remark);
    } else {
        check_adoptable(work, *column, wanted);
        work.adopt(work.table.oid, object);
    }
    if (column != nullptr && is_marked_as_added(*column)) {
        note_added(work, wanted.name);
    } else if (column == nullptr || is_addition(work, name.text())) {
        note_added(work, wanted.name);
        if (wanted.name == work.settings().deleted_at) {
            return; // its comment states the retention
        }
        work.comments.push_back(sqltext::comment_on_column(
            work.table.qualified, name,
            sqltext::Expression(catalog::literal(std::string(wanted.meaning) + added_mark).text())));
    }
}

// Its columns are those of its type.
void check_typed(const TableWork &work, const std::vector<WantedColumn> &wanted) {
    std::string attributes;
    for (const WantedColumn &column : wanted) {
        if (work.table.find_column(column.name) == nullptr) {
            attributes += (attributes.empty() ? "" : ", ") + std::string("ADD ATTRIBUTE ")
                          + catalog::identifier(column.name).text() + " " + column.type + " CASCADE";
        }
    }
    std::vector<pg::Row> types = work.spi.query_kept(
        "SELECT reloftype::regtype FROM pg_class WHERE oid = $1::oid AND reloftype <> 0", {work.table.oid});
    if (!types.empty() && !attributes.empty()) {
        pg::raise(
            {ERRCODE_WRONG_OBJECT_TYPE, "cannot add columns to typed table \"" + work.table.name + "\"",
             "Its columns are those of type " + types.front().text(0) + ".",
             "Run ALTER TYPE " + types.front().text(0) + " " + attributes + ", and register the table then.",
             work.table.oid});
    }
}

void check_names(const TableWork &work) {
    const model::TableSettings &settings = work.settings();
    for (const std::string &name : {settings.deleted_at, settings.deleted_by.value_or("")}) {
        if (name == deletion_id_column) {
            pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                       "column name \"deletion_id\" is taken by softdelete itself",
                       {},
                       "Name another column."});
        }
    }
    if (settings.deleted_at.empty() || settings.deleted_by == "") {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "column name must not be empty",
                   {},
                   "Leave the argument out, or pass deleted_by => NULL to have no such column."});
    }
    if (settings.deleted_by == settings.deleted_at) {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "deleted_at and deleted_by must be different columns",
                   {},
                   "Pass deleted_by => NULL to have no such column."});
    }
}

} // namespace

bool can_say_who(const catalog::Column &column) {
    return is_one_of(column.base_type, actor_types) && !column.is_generated && !column.is_not_null
           && !column.has_default;
}

void plan_columns(TableWork &work) {
    check_names(work);
    check_typed(work, get_wanted_columns(work.settings()));
    for (const WantedColumn &wanted : get_wanted_columns(work.settings())) {
        plan_column(work, wanted);
    }
}

namespace {

// The comment on deleted_at that states the retention.
void plan_retention(TableWork &work) {
    const Column *column = work.table.find_column(work.settings().deleted_at);
    std::string comment = model::describe_retention(work.settings().retention, work.settings().on_expiry);
    if (column != nullptr && column->comment == comment) {
        return;
    }
    if (column != nullptr && column->comment && !is_marked_as_added(*column)
        && !model::is_retention_comment(*column->comment)) {
        work.registration.comment_before = column->comment;
    }
    sqltext::Identifier name = catalog::identifier(work.settings().deleted_at);
    work.comments.push_back(sqltext::comment_on_column(
        work.table.qualified, name, sqltext::Expression(catalog::literal(comment).text())));
}

} // namespace

void plan_comments(TableWork &work) {
    plan_retention(work);
    for (const sqltext::Statement &comment : work.comments) {
        work.add(Action::alter, work.table.oid, comments_object, comment);
    }
}

void plan_former_comment(TableWork &work, bool columns_stay) {
    const std::string &deleted_at = work.settings().deleted_at;
    const std::vector<std::string> &added = work.registration.added_columns;
    const Column *column = work.table.find_column(deleted_at);
    bool is_added = std::find(added.begin(), added.end(), deleted_at) != added.end();
    if (column == nullptr || !column->comment || !model::is_retention_comment(*column->comment)
        || (is_added && !columns_stay)) {
        return;
    }
    std::optional<std::string> comment = work.registration.comment_before;
    if (is_added) {
        comment = std::string("When the row was deleted") + added_mark;
    }
    work.add(Action::alter, work.table.oid, comments_object,
             sqltext::comment_on_column(
                 work.table.qualified, column->quoted,
                 sqltext::Expression(comment ? catalog::literal(*comment).text() : "NULL")));
}

// Without them the planner takes one row in two hundred for one whose deleted_at is null, and adding a column is no reason for
// autovacuum to analyze the table.
void plan_statistics(TableWork &work) {
    const std::vector<std::string> names = {work.settings().deleted_at, deletion_id_column};
    std::vector<sqltext::Identifier> columns;
    for (const std::string &name : names) {
        columns.push_back(catalog::identifier(name));
    }
    for (const catalog::Member &member : work.table.members) {
        // ANALYZE of a partitioned table goes on to its partitions, that of a parent does not go on to its children.
        if (!member.is_partition && !catalog::has_statistics(work.spi, member, names)) {
            work.add_online(model::Action::alter, member.oid, "statistics",
                            sqltext::analyze(member.qualified, columns));
        }
    }
}

} // namespace softdelete::registration
