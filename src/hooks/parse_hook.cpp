// post_parse_analyze_hook: the only moment between parsing and the rewriter, which asks whose policies apply.
#include "hooks/hooks.hpp"

#include "pg/parse_scope.hpp"
#include "planner/mark_references.hpp"

extern "C" {
#include "parser/analyze.h"
}

namespace softdelete::hooks {

namespace {

post_parse_analyze_hook_type next_parse_hook = nullptr;

} // namespace

void install_parse_hook() {
    next_parse_hook = post_parse_analyze_hook;
    // The type of the last parameter differs between versions.
    post_parse_analyze_hook = [](ParseState *state, Query *query, auto jumble) {
        planner::mark_own_statement(state->p_sourcetext, query);
        if (query->commandType != CMD_UTILITY) {
            pg::finish_parsing();
        }
        if (next_parse_hook != nullptr) {
            next_parse_hook(state, query, jumble);
        }
    };
}

} // namespace softdelete::hooks
