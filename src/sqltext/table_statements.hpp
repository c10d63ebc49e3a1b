// Statements on a table's columns, triggers and views.
#pragma once

#include "sqltext/fragments.hpp"

#include <vector>

namespace softdelete::sqltext {

Statement add_column(const QualifiedName &table, const Identifier &column, const Expression &type);
Statement drop_column(const QualifiedName &table, const Identifier &column);
Statement comment_on_column(const QualifiedName &table, const Identifier &column,
                            const Expression &literal_or_null);
Statement analyze(const QualifiedName &table, const std::vector<Identifier> &columns);

// In the words of pg_get_triggerdef().
Statement create_marker(const QualifiedName &table, const Literal &deleted_at, const Literal &deleted_by,
                        const Literal &visibility);
Statement create_truncate_guard(const QualifiedName &table);
Statement create_update_guard(const QualifiedName &table);
Statement create_written_check(const QualifiedName &table, const Identifier &deleted_at, bool sees_updates);
Statement enable_always(const QualifiedName &table, const Identifier &trigger);
Statement tie_to_extension(const QualifiedName &table, const Identifier &trigger);
Statement drop_trigger(const QualifiedName &table, const Identifier &trigger);

// The same statement as CREATE OR REPLACE.
Statement or_replace(const Statement &create);

// Of a view that reads with its reader's rights. One that is there is replaced with the options that it has, which CREATE
// OR REPLACE VIEW would take away.
Statement create_view(const QualifiedName &view, const QualifiedName &table,
                      const std::vector<Identifier> &columns, const Expression &condition,
                      const Expression &options = Expression("security_invoker = true"));
Statement drop_view(const QualifiedName &view);

Statement create_policy(const QualifiedName &table, const Identifier &policy, bool is_permissive,
                        const Expression &condition);
Statement drop_policy(const QualifiedName &table, const Identifier &policy);
Statement enable_row_security(const QualifiedName &table);
Statement disable_row_security(const QualifiedName &table);

} // namespace softdelete::sqltext
