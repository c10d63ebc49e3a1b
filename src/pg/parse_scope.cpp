// The role changes back in the parser's hook, between the query and what is done with it.
#include "pg/parse_scope.hpp"

namespace softdelete::pg {

namespace {

Role runner = {};
bool is_parsing = false;

} // namespace

ParsedByExtensionScope::ParsedByExtensionScope() {
    Oid owner = get_extension_owner();
    runner = act_as_owner(owner);
    is_parsing = true;
}

ParsedByExtensionScope::~ParsedByExtensionScope() {
    finish_parsing();
}

void finish_parsing() noexcept {
    if (is_parsing) {
        is_parsing = false;
        act_as(runner);
    }
}

} // namespace softdelete::pg
