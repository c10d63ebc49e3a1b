// Transaction control behind the boundary; as pl_exec.c does it for PL/pgSQL.
#include "pg/transactions.hpp"

extern "C" {
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/wait_event.h"
}

namespace softdelete::pg {

namespace {

// Before the new transaction's first snapshot.
void begin_read_committed() {
    XactIsoLevel = XACT_READ_COMMITTED;
}

} // namespace

bool may_commit(FunctionCallInfo call) {
    return call->context != nullptr && IsA(call->context, CallContext)
           && !castNode(CallContext, call->context)->atomic;
}

void refuse_if_read_only(const char *function) {
    call([&] {
        PreventCommandIfReadOnly(function);
        PreventCommandIfParallelMode(function);
    });
}

void commit_and_begin() {
    call([] {
        SPI_commit();
        begin_read_committed();
    });
}

void roll_back_and_begin() {
    call([] {
        SPI_rollback();
        begin_read_committed();
    });
}

Subtransaction::Subtransaction() : memory_(CurrentMemoryContext), owner_(CurrentResourceOwner) {
    call([&] {
        BeginInternalSubTransaction(nullptr);
        MemoryContextSwitchTo(memory_);
    });
}

Subtransaction::~Subtransaction() {
    if (is_open_) {
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(memory_);
        CurrentResourceOwner = owner_;
    }
}

void Subtransaction::commit() {
    call([&] {
        ReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(memory_);
        CurrentResourceOwner = owner_;
    });
    is_open_ = false;
}

void sleep_ms(long milliseconds) {
    long an_hour = 3600000; // a latch takes no more than an int
    call([&] {
        CHECK_FOR_INTERRUPTS();
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Min(milliseconds, an_hour),
                        WAIT_EVENT_PG_SLEEP);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    });
}

} // namespace softdelete::pg
