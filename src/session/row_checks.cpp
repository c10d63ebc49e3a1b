// The level of the (sub)transaction that runs the command; commands of that kind do not nest.
#include "session/row_checks.hpp"

#include "pg/server.hpp"

extern "C" {
#include "access/xact.h"
}

namespace softdelete::session {

namespace {

int checking_level = 0; // 0: none

} // namespace

void begin_row_checks() {
    checking_level = GetCurrentTransactionNestLevel();
}

void end_row_checks() noexcept {
    checking_level = 0;
}

void forget_row_checks(int nest_level) noexcept {
    if (checking_level >= nest_level) {
        checking_level = 0;
    }
}

bool is_checking_rows() noexcept {
    return checking_level > 0;
}

} // namespace softdelete::session
