// A stack kept by nest level: an error leaves entries behind, and the (sub)transaction's abort removes them.
#include "session/running_statements.hpp"

#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/session_stack.hpp"

extern "C" {
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"
}

namespace softdelete::session {

namespace {

struct RunningStatement {
    QueryDesc *query;
    int nest_level;
    Phase phase;
    int place; // of the innermost statement that is not the cascade's own, counted from 1
    uint32 notes;
    int own;             // its number among the own statements; 0 where it is none
    bool is_within_ours; // it is one of ours, or runs in one
    AtOnce at_once;
    uint64 deletions_locked_at; // which change of relations; 0 where it does not see to locks of deletions
};

RunningStatement *stack = nullptr;
int stack_depth = 0;
int stack_capacity = 0;
const QueryDesc *first_writer =
    nullptr; // runs since before the transaction had an id; may be gone, only compared

void note_first_writer(const QueryDesc *query) {
    if (!TransactionIdIsValid(GetTopTransactionIdIfAny())) {
        first_writer = query;
    } else if (first_writer == query) {
        first_writer = nullptr; // another one had the address
    }
}

AtOnce decide_at_once(bool may_change_role, bool is_within_ours) {
    AtOnce outer = stack_depth > 0 ? stack[stack_depth - 1].at_once : AtOnce::none;
    if (!is_within_ours) {
        return outer;
    }
    bool is_asked = may_change_role || InSecurityRestrictedOperation();
    return is_asked ? Max(outer, fired_at_once()) : outer;
}

// The innermost statement that is no referential action: what foreign keys do follows from it.
const RunningStatement *find_acting() {
    int place = stack_depth;
    while (place > 1 && (stack[place - 1].notes & note_referential) != 0) {
        place--;
    }
    return place == 0 ? nullptr : &stack[place - 1];
}

// As the queries of foreign keys do, and what rules add to them, which leave their events to the statement around them
// (ri_triggers.c). The server marks queries that fire nothing in the same way.
bool leaves_triggers(const QueryDesc *query) {
    return query->operation != CMD_SELECT && (query->estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS) != 0;
}

} // namespace

void push_running_statement(QueryDesc *query, Phase phase, uint32 notes) {
    if (phase == Phase::run) {
        note_first_writer(query);
    }
    if (stack_depth == stack_capacity) {
        grow(&stack, &stack_capacity);
    }
    int place = (notes & note_cascade) != 0 ? running_statement_place() : stack_depth + 1;
    // The actions of rules have the text of the statement that they are added to.
    int number = number_of_own_statement(query->sourceText);
    int own = (notes & note_own) != 0 ? number : 0;
    bool is_within_ours = number != 0 || (stack_depth > 0 && stack[stack_depth - 1].is_within_ours);
    AtOnce at_once = decide_at_once(number != 0 || leaves_triggers(query), is_within_ours);
    stack[stack_depth++] = {
        query, GetCurrentTransactionNestLevel(), phase, place, notes, own, is_within_ours, at_once, 0};
}

void pop_running_statement() {
    stack_depth = Max(stack_depth - 1, 0);
}

void forget_running_statements(int nest_level) noexcept {
    while (stack_depth > 0 && stack[stack_depth - 1].nest_level >= nest_level) {
        stack_depth--;
    }
}

bool is_statement_finishing() {
    return stack_depth > 0 && stack[stack_depth - 1].phase == Phase::finish;
}

void note_locked_deletions(uint64 changes) {
    if (stack_depth > 0) {
        stack[stack_depth - 1].deletions_locked_at = changes;
    }
}

uint64 deletions_locked_at() {
    return stack_depth == 0 ? 0 : stack[stack_depth - 1].deletions_locked_at;
}

bool is_within_locked_deletions() {
    for (int place = stack_depth - 1; place > 0; place--) {
        if (stack[place - 1].deletions_locked_at != 0) {
            return true;
        }
    }
    return false;
}

const QueryDesc *running_statement() {
    return stack_depth == 0 ? nullptr : stack[stack_depth - 1].query;
}

const QueryDesc *enclosing_statement() {
    return stack_depth < 2 ? nullptr : stack[stack_depth - 2].query;
}

const QueryDesc *firing_own_statement() {
    int place = stack_depth;
    while (place > 0 && leaves_triggers(stack[place - 1].query)) {
        place--;
    }
    return place == 0 || place == stack_depth || stack[place - 1].own == 0 ? nullptr : stack[place - 1].query;
}

const QueryDesc *outermost_statement() {
    return stack_depth == 0 ? nullptr : stack[0].query;
}

const OwnTraits *acting_own_statement() {
    const RunningStatement *statement = find_acting();
    return statement == nullptr ? nullptr : get_own_statement(statement->own);
}

const OwnTraits *running_own_statement() {
    return stack_depth == 0 ? nullptr : get_own_statement(stack[stack_depth - 1].own);
}

AtOnce fired_at_once_by_running() {
    return stack_depth == 0 ? AtOnce::none : stack[stack_depth - 1].at_once;
}

int running_statement_depth() noexcept {
    return stack_depth;
}

bool is_first_writer() {
    int place = running_statement_place();
    return place > 0 && stack[place - 1].query == first_writer;
}

int running_statement_place() {
    return stack_depth == 0 ? 0 : stack[stack_depth - 1].place;
}

CommandId running_statement_start() {
    int place = running_statement_place();
    return place == 0 ? InvalidCommandId : stack[place - 1].query->snapshot->curcid;
}

uint32 running_statement_notes() {
    return stack_depth == 0 ? 0 : stack[stack_depth - 1].notes;
}

} // namespace softdelete::session
