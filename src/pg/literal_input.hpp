// Literals whose reading runs code of users.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "parser/parse_node.h"
}

namespace softdelete::pg {

// The raw expression, to be assigned to that type, with literals of some types as CAST(CAST('...' AS text) AS type), which is computed when the
// expression runs: of types that have values of a domain in them. To read an array, a row or a range of a domain runs the constraints of the
// domain, and analysis reads literals. One of the domain itself is read as its base type. Changes the raw expression, and needs a second
// one of the same text. Errors: those of analysis. Plain server code; runs no code of users.
Node *defer_literals(ParseState *state, Node *raw, Node *second, Oid type, int32 typmod);

} // namespace softdelete::pg
