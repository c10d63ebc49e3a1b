// How two values are compared by a certain operator, as SQL.
#pragma once

#include "pg/server.hpp"

#include <string>

namespace softdelete::catalog {

struct Comparison {
    std::string operation; // OPERATOR(schema.=)
    std::string function;  // the operator's, where its name stands for others as well; otherwise empty
    std::string type;      // what the function takes; a type under any domains

    // SQL that compares two expressions.
    std::string of(const std::string &left, const std::string &right) const;
};

// By the operator that an index or a constraint has, of values of the type on both sides; InvalidOid where that is not known.
Comparison find_comparison(Oid operator_id, Oid type);

} // namespace softdelete::catalog
