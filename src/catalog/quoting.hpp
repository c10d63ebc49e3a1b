// From names and values to SQL fragments, by the server's quoting.
#pragma once

#include "pg/quote.hpp"
#include "sqltext/fragments.hpp"

#include <string>

namespace softdelete::catalog {

inline sqltext::Identifier identifier(const std::string &name) {
    return sqltext::Identifier(pg::quote_identifier(name));
}

inline sqltext::QualifiedName qualified_name(const std::string &schema, const std::string &name) {
    return sqltext::QualifiedName(identifier(schema), identifier(name));
}

inline sqltext::Literal literal(const std::string &value) {
    return sqltext::Literal(pg::quote_literal(value));
}

} // namespace softdelete::catalog
