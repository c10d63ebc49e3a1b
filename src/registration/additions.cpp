// The comment stands on deletion_id, which no table has without softdelete.
#include "registration/additions.hpp"

#include "catalog/quoting.hpp"
#include "registration/added_marks.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>

namespace softdelete::registration {

namespace {

constexpr const char *comment_end = ".";
constexpr const char *separator = ", ";

std::string make_list(const TableWork &work) {
    std::string list;
    for (const auto *names : {&work.registration.added_columns, &work.registration.added_indexes}) {
        for (const std::string &name : *names) {
            list += (list.empty() ? "" : separator) + pg::quote_identifier(name);
        }
    }
    return list;
}

bool is_list(const std::optional<std::string> &comment) {
    return comment && comment->starts_with(additions_start);
}

// Has deletion_id itself been added?
bool is_ours(const TableWork &work) {
    const std::vector<std::string> &added = work.registration.added_columns;
    return std::find(added.begin(), added.end(), deletion_id_column) != added.end();
}

sqltext::Statement make_comment(const TableWork &work, const std::string &literal_or_null) {
    return sqltext::comment_on_column(work.table.qualified, catalog::identifier(deletion_id_column),
                                      sqltext::Expression(literal_or_null));
}

} // namespace

bool is_addition(const TableWork &work, const std::string &quoted_name) {
    const catalog::Column *column = work.table.find_column(deletion_id_column);
    if (column == nullptr || !is_list(column->comment)) {
        return false;
    }
    std::string list = separator + column->comment->substr(std::string_view(additions_start).size());
    return list.find(separator + quoted_name + separator) != std::string::npos
           || list.ends_with(separator + quoted_name + comment_end);
}

void plan_additions(TableWork &work) {
    const catalog::Column *column = work.table.find_column(deletion_id_column);
    bool adds = std::any_of(work.steps.begin(), work.steps.end(), [](const model::Step &step) {
        return step.action == model::Action::create && step.is_online;
    });
    bool is_told = column != nullptr && is_list(column->comment);
    bool is_users_comment = column != nullptr && column->comment && !is_told && !is_ours(work);
    if (adds && !is_users_comment) {
        auto place = std::find_if(work.steps.begin(), work.steps.end(), [](const model::Step &step) {
            return !step.object.starts_with("column ");
        });
        sqltext::Statement command =
            make_comment(work, catalog::literal(additions_start + make_list(work) + comment_end).text());
        work.steps.insert(place, {work.table.oid, "additions", model::Action::alter, true, {command.text()}});
        if (column != nullptr && column->comment && !is_told) {
            work.comments.push_back(make_comment(work, catalog::literal(*column->comment).text())); // again
        }
        is_told = true;
    }
    if (is_told && !is_ours(work)) {
        work.comments.push_back(make_comment(work, "NULL"));
    }
}

} // namespace softdelete::registration
