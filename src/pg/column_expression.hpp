// Expressions over the columns of one row, as CHECK constraints and generated columns have them.
#pragma once

#include "pg/boundary.hpp"

extern "C" {
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"
#include "utils/relcache.h"
}

#include <string>

namespace softdelete::pg {

struct ColumnExpression {
    Node *tree;         // analyzed, in the memory context that was current
    std::string text;   // as the server deparses it: valid under any search_path that has pg_catalog only
    bool is_null;       // NULL, or a strict function of NULL
    bool reads_columns; // names a column
    bool is_volatile;   // may differ from row to row though it reads none
    std::string
        refused; // the volatile function that is not one of the few known to be harmless; empty for none
};

// Parses and analyzes an expression that is to be assigned to the column. Errors: the server's own for syntax, names and
// what an expression over one row cannot have (sub-queries, aggregates, window functions, sets); 42804 for a type that
// cannot be assigned. Runs no function that the expression calls, and no constraint of a domain.
ColumnExpression parse_column_expression(Oid relation, const std::string &column, const std::string &text);

// The same without its properties and its text.
Node *analyze_column_expression(Oid relation, const std::string &column, const std::string &text);

// Is the column one of these, or generated from one of these? The columns are offset as in an RTE's updatedCols. Plain
// server code.
bool is_made_from(Relation relation, AttrNumber column, const Bitmapset *columns);

// The text of an expression as the catalogs keep it, such as the USING of a policy, for a table of another name with columns of the
// same names. Errors: 0A000 where it reads the whole row.
std::string deparse_for_copy(Oid relation, const std::string &copy, const std::string &tree);

// The text of such a tree with the names that the columns have now.
std::string deparse_column_expression(Oid relation, Node *tree);

} // namespace softdelete::pg
