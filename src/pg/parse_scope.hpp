// For DDL of ours whose query names what its owner may have no privilege on.
#pragma once

#include "pg/scopes.hpp"

namespace softdelete::pg {

// The names in the query of the statement that runs in the scope, as in CREATE VIEW ... AS, are looked up as the extension's
// owner. What the statement does with the query is done as the role in force.
class ParsedByExtensionScope {
public:
    ParsedByExtensionScope();
    ~ParsedByExtensionScope();
    ParsedByExtensionScope(const ParsedByExtensionScope &) = delete;
    ParsedByExtensionScope &operator=(const ParsedByExtensionScope &) = delete;
};

// Called by the parser's hook when a query is parsed.
void finish_parsing() noexcept;

} // namespace softdelete::pg
