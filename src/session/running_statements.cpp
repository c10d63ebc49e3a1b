// A stack kept by nest level: an error leaves entries behind, and the (sub)transaction's abort removes them.
#include "session/running_statements.hpp"

#include "session/plan_notes.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/memutils.h"
}

namespace softdelete::session {

namespace {

struct RunningStatement {
    QueryDesc *query;
    int nest_level;
    Phase phase;
    int place; // of the innermost statement that is not the cascade's own, counted from 1
};

RunningStatement *stack = nullptr;
int depth = 0;
int capacity = 0;
const QueryDesc *first_writer =
    nullptr; // runs since before the transaction had an id; may be gone, only compared

void grow() {
    int wanted = capacity == 0 ? 16 : capacity * 2;
    Size size = sizeof(RunningStatement) * static_cast<Size>(wanted);
    stack = static_cast<RunningStatement *>(stack == nullptr ? MemoryContextAlloc(TopMemoryContext, size)
                                                             : repalloc(stack, size));
    capacity = wanted;
}

void note_first_writer(const QueryDesc *query) {
    if (!TransactionIdIsValid(GetTopTransactionIdIfAny())) {
        first_writer = query;
    } else if (first_writer == query) {
        first_writer = nullptr; // another one had the address
    }
}

} // namespace

void push_running_statement(QueryDesc *query, Phase phase) {
    if (phase == Phase::run) {
        note_first_writer(query);
    }
    if (depth == capacity) {
        grow();
    }
    int place = is_cascade_query(query->sourceText) ? running_statement_place() : depth + 1;
    stack[depth++] = {query, GetCurrentTransactionNestLevel(), phase, place};
}

void pop_running_statement() {
    depth = Max(depth - 1, 0);
}

void forget_running_statements(int nest_level) noexcept {
    while (depth > 0 && stack[depth - 1].nest_level >= nest_level) {
        depth--;
    }
}

bool is_statement_finishing() {
    return depth > 0 && stack[depth - 1].phase == Phase::finish;
}

const QueryDesc *running_statement() {
    return depth == 0 ? nullptr : stack[depth - 1].query;
}

const QueryDesc *enclosing_statement() {
    return depth < 2 ? nullptr : stack[depth - 2].query;
}

const QueryDesc *outermost_statement() {
    return depth == 0 ? nullptr : stack[0].query;
}

bool is_first_writer() {
    int place = running_statement_place();
    return place > 0 && stack[place - 1].query == first_writer;
}

int running_statement_place() {
    return depth == 0 ? 0 : stack[depth - 1].place;
}

uint32 running_statement_notes() {
    return depth == 0 ? 0 : notes_of_plan(stack[depth - 1].query->plannedstmt);
}

} // namespace softdelete::session
