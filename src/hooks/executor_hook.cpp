// ExecutorRun: remembers which statement runs. On an error the entry is removed by the abort callbacks.
#include "hooks/hooks.hpp"

#include "pg/compat.hpp"
#include "planner/running_statements.hpp"

extern "C" {
#include "executor/executor.h"
}

namespace softdelete::hooks {

namespace {

ExecutorRun_hook_type next_executor_run = nullptr;

extern "C" void softdelete_executor_run(QueryDesc *query, ScanDirection direction,
                                        uint64 count SOFTDELETE_EXECUTOR_RUN_EXTRA_PARAMETER) {
    planner::push_running_statement(query);
    auto *run = next_executor_run != nullptr ? next_executor_run : standard_ExecutorRun;
    run(query, direction, count SOFTDELETE_EXECUTOR_RUN_EXTRA_ARGUMENT);
    planner::pop_running_statement();
}

} // namespace

void install_executor_hook() {
    next_executor_run = ExecutorRun_hook;
    ExecutorRun_hook = softdelete_executor_run;
}

} // namespace softdelete::hooks
