// The statements on indexes and on the constraints that they serve: one pattern per statement.
#include "sqltext/index_statements.hpp"

namespace softdelete::sqltext {

namespace {

Expression word_if(bool condition, const char *word) {
    return Expression(condition ? word : "");
}

Expression clause(const char *keyword, const std::optional<Expression> &value) {
    return Expression(value ? keyword + value->text() : "");
}

Expression number(int value) {
    return Expression(std::to_string(value));
}

} // namespace

Statement create_index(const Identifier &name, const IndexDefinition &definition, bool concurrently) {
    return statement("CREATE %1%INDEX %2%%3% ON %4%%5% %6%%7%%8%", word_if(definition.is_unique, "UNIQUE "),
                     word_if(concurrently, "CONCURRENTLY "), name, word_if(definition.is_only, "ONLY "),
                     definition.table, definition.body, clause(" TABLESPACE ", definition.tablespace),
                     clause(" WHERE ", definition.predicate));
}

Statement drop_index(const QualifiedName &index, bool concurrently) {
    return statement("DROP INDEX %1%%2%", word_if(concurrently, "CONCURRENTLY "), index);
}

Statement rename_index(const QualifiedName &index, const Identifier &name) {
    return statement("ALTER INDEX %1% RENAME TO %2%", index, name);
}

Statement attach_index(const QualifiedName &parent, const QualifiedName &index) {
    return statement("ALTER INDEX %1% ATTACH PARTITION %2%", parent, index);
}

Statement set_index_statistics(const QualifiedName &index, int column, int target) {
    return statement("ALTER INDEX %1% ALTER COLUMN %2% SET STATISTICS %3%", index, number(column),
                     number(target));
}

Statement comment_on_index(const QualifiedName &index, const Literal &comment) {
    return statement("COMMENT ON INDEX %1% IS %2%", index, comment);
}

Statement add_constraint(const QualifiedName &table, bool only, const Identifier &name,
                         const Expression &definition) {
    return statement("ALTER TABLE %1%%2% ADD CONSTRAINT %3% %4%", word_if(only, "ONLY "), table, name,
                     definition);
}

Statement drop_constraint(const QualifiedName &table, const Identifier &name) {
    return statement("ALTER TABLE %1% DROP CONSTRAINT %2%", table, name);
}

Statement comment_on_constraint(const QualifiedName &table, const Identifier &name, const Literal &comment) {
    return statement("COMMENT ON CONSTRAINT %2% ON %1% IS %3%", table, name, comment);
}

Statement cluster_on(const QualifiedName &table, const Identifier &index) {
    return statement("ALTER TABLE %1% CLUSTER ON %2%", table, index);
}

} // namespace softdelete::sqltext
