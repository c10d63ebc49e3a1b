// Implementation: see interruptions.hpp.
#include "pg/interruptions.hpp"

namespace softdelete::pg {

bool is_interruption(const ServerError &error) noexcept {
    switch (ERRCODE_TO_CATEGORY(error.sqlstate())) {
    case ERRCODE_OPERATOR_INTERVENTION:
    case ERRCODE_INSUFFICIENT_RESOURCES:
    case ERRCODE_SYSTEM_ERROR:
    case ERRCODE_INTERNAL_ERROR:
    case ERRCODE_TRANSACTION_ROLLBACK:
    case ERRCODE_INVALID_TRANSACTION_STATE:
        return true;
    default:
        return error.sqlstate() == ERRCODE_LOCK_NOT_AVAILABLE;
    }
}

bool ends_command(const ServerError &error) noexcept {
    return is_interruption(error) && ERRCODE_TO_CATEGORY(error.sqlstate()) != ERRCODE_INTERNAL_ERROR;
}

} // namespace softdelete::pg
