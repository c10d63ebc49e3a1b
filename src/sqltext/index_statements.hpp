// Statements on indexes and on the constraints that they serve.
#pragma once

#include "sqltext/fragments.hpp"

#include <optional>
#include <string>

namespace softdelete::sqltext {

struct IndexDefinition {
    bool is_unique;
    bool is_only; // on a partitioned table without its partitions
    QualifiedName table;
    Expression body; // USING ... up to the storage options
    std::optional<Expression> tablespace;
    std::optional<Expression> predicate;
};

Statement create_index(const Identifier &name, const IndexDefinition &definition, bool concurrently);
Statement drop_index(const QualifiedName &index, bool concurrently);
Statement rename_index(const QualifiedName &index, const Identifier &name);
Statement attach_index(const QualifiedName &parent, const QualifiedName &index);
Statement set_index_statistics(const QualifiedName &index, int column, int target);
Statement comment_on_index(const QualifiedName &index, const Literal &comment);

Statement add_constraint(const QualifiedName &table, bool only, const Identifier &name,
                         const Expression &definition);
Statement drop_constraint(const QualifiedName &table, const Identifier &name);
Statement comment_on_constraint(const QualifiedName &table, const Identifier &name, const Literal &comment);
Statement cluster_on(const QualifiedName &table, const Identifier &index);

} // namespace softdelete::sqltext
