// The server's own foreign-key checks count deleted rows, which nobody else sees: an error that only such rows cause says
// so. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::deletion {

// Called when a statement has run. Where it is a check that has found a row that references the one that is removed, or whose
// key changes, which is an error in a moment: asks whether a live row does so too.
void look_at_reference(const QueryDesc *query);

// Called before a statement runs: what the last check has found is of no interest any more.
void forget_reference() noexcept;

// An ErrorContextCallback's function, in force while a statement's triggers fire: adds the hint to that error.
void explain_reference(void *unused);

} // namespace softdelete::deletion
