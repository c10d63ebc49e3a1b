// The statements on a table's columns, triggers and views: one pattern per statement.
#include "sqltext/table_statements.hpp"

namespace softdelete::sqltext {

Statement add_column(const QualifiedName &table, const Identifier &column, const Expression &type) {
    return statement("ALTER TABLE %1% ADD COLUMN %2% %3%", table, column, type);
}

Statement drop_column(const QualifiedName &table, const Identifier &column) {
    return statement("ALTER TABLE %1% DROP COLUMN %2%", table, column);
}

Statement comment_on_column(const QualifiedName &table, const Identifier &column,
                            const Expression &literal_or_null) {
    return statement("COMMENT ON COLUMN %1%.%2% IS %3%", table, column, literal_or_null);
}

Statement create_marker(const QualifiedName &table, const Literal &deleted_at, const Literal &deleted_by,
                        const Literal &visibility) {
    return statement("CREATE TRIGGER softdelete_marker BEFORE DELETE ON %1% FOR EACH ROW"
                     " EXECUTE FUNCTION softdelete_internal.on_delete(%2%, %3%, %4%)",
                     table, deleted_at, deleted_by, visibility);
}

Statement create_truncate_guard(const QualifiedName &table) {
    return statement("CREATE TRIGGER softdelete_truncate BEFORE TRUNCATE ON %1% FOR EACH STATEMENT"
                     " EXECUTE FUNCTION softdelete_internal.on_truncate()",
                     table);
}

Statement create_update_guard(const QualifiedName &table) {
    return statement("CREATE TRIGGER softdelete_update BEFORE UPDATE ON %1% FOR EACH STATEMENT"
                     " EXECUTE FUNCTION softdelete_internal.on_update()",
                     table);
}

Statement create_written_check(const QualifiedName &table, const Identifier &deleted_at, bool sees_updates) {
    // As the server deparses it, to be compared with what is there.
    return statement("CREATE TRIGGER softdelete_written AFTER %3% ON %1% FOR EACH ROW"
                     " WHEN (((new.deletion_id IS NOT NULL) OR (new.%2% IS NOT NULL)))"
                     " EXECUTE FUNCTION softdelete_internal.check_written()",
                     table, deleted_at, Expression(sees_updates ? "INSERT OR UPDATE" : "INSERT"));
}

Statement enable_always(const QualifiedName &table, const Identifier &trigger) {
    return statement("ALTER TABLE %1% ENABLE ALWAYS TRIGGER %2%", table, trigger);
}

Statement tie_to_extension(const QualifiedName &table, const Identifier &trigger) {
    return statement("ALTER TRIGGER %2% ON %1% DEPENDS ON EXTENSION softdelete", table, trigger);
}

Statement drop_trigger(const QualifiedName &table, const Identifier &trigger) {
    return statement("DROP TRIGGER %2% ON %1%", table, trigger);
}

Statement or_replace(const Statement &create) {
    const std::string verb = "CREATE ";
    return statement("CREATE OR REPLACE %1%", Expression(create.text().substr(verb.size())));
}

Statement create_view(const QualifiedName &view, const QualifiedName &table,
                      const std::vector<Identifier> &columns, const Expression &condition,
                      const Expression &options) {
    return statement("CREATE VIEW %1% WITH (%2%) AS SELECT %3% FROM %4% WHERE %5%", view, options,
                     list(columns), table, condition);
}

Statement analyze(const QualifiedName &table, const std::vector<Identifier> &columns) {
    return statement("ANALYZE %1% (%2%)", table, list(columns));
}

Statement drop_view(const QualifiedName &view) {
    return statement("DROP VIEW %1%", view);
}

Statement create_policy(const QualifiedName &table, const Identifier &policy, bool is_permissive,
                        const Expression &condition) {
    return statement("CREATE POLICY %1% ON %2% AS %3% USING (%4%) WITH CHECK (true)", policy, table,
                     Expression(is_permissive ? "PERMISSIVE" : "RESTRICTIVE"), condition);
}

Statement drop_policy(const QualifiedName &table, const Identifier &policy) {
    return statement("DROP POLICY %1% ON %2%", policy, table);
}

Statement enable_row_security(const QualifiedName &table) {
    return statement("ALTER TABLE %1% ENABLE ROW LEVEL SECURITY", table);
}

Statement disable_row_security(const QualifiedName &table) {
    return statement("ALTER TABLE %1% DISABLE ROW LEVEL SECURITY", table);
}

} // namespace softdelete::sqltext
