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

// A trigger's argument in the words of pg_get_triggerdef(), which never writes E''. Our statements are read with
// standard_conforming_strings.
inline sqltext::Literal trigger_argument(const std::string &value) {
    std::string text = "'";
    for (char c : value) {
        text += c == '\'' ? "''" : std::string(1, c);
    }
    return sqltext::Literal(text + "'");
}

} // namespace softdelete::catalog
