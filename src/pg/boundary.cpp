// Implementation of the boundary: see boundary.hpp. Everything here runs either inside a jump target or outside of any
// C++ frame that owns something.
#include "pg/boundary.hpp"

extern "C" {
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace softdelete::pg {

namespace {

// Copies text that need not end in a null byte; string_view is how C++ hands us text.
char *copy_text(MemoryContext context, std::string_view text) {
    char *copy = static_cast<char *>(MemoryContextAlloc(context, text.size() + 1));
    memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    return copy;
}

int printable_length(std::string_view text) {
    return static_cast<int>(text.size());
}

} // namespace

ServerError::~ServerError() {
    if (context_ != nullptr) {
        MemoryContextDelete(context_);
    }
}

void ServerError::set_message(std::string_view message) {
    if (data_ != nullptr) {
        data_->message = call([&] { return copy_text(context_, message); });
    }
}

void ServerError::set_hint(std::string_view hint) {
    if (data_ != nullptr) {
        data_->hint = call([&] { return copy_text(context_, hint); });
    }
}

void ServerError::clear_detail() noexcept {
    if (data_ != nullptr) {
        data_->detail = nullptr;
    }
}

void ServerError::clear_context() noexcept {
    if (data_ != nullptr) {
        data_->context = nullptr;
    }
}

void ServerError::clear_position() noexcept {
    if (data_) {
        data_->cursorpos = 0;
        data_->internalpos = 0;
    }
}

ErrorData *ServerError::release() noexcept {
    if (context_ != nullptr) {
        MemoryContextSetParent(context_, CurrentMemoryContext);
    }
    context_ = nullptr;
    return std::exchange(data_, nullptr);
}

namespace detail {

void throw_current_error(MemoryContext caller) {
    MemoryContext volatile context = nullptr;
    ErrorData *volatile data = nullptr;
    {
        // Copying may itself run out of memory; that error must not jump past our caller's frames.
        SavedHandlers saved;
        sigjmp_buf target;
        if (sigsetjmp(target, 0) == 0) {
            PG_exception_stack = &target;
            context = AllocSetContextCreate(TopMemoryContext, "softdelete error", ALLOCSET_SMALL_SIZES);
            MemoryContextSwitchTo(context);
            data = CopyErrorData();
        } else {
            data = nullptr;
        }
        MemoryContextSwitchTo(caller);
        FlushErrorState();
    }
    if (data == nullptr && context != nullptr) {
        MemoryContextDelete(context);
        context = nullptr;
    }
    throw ServerError(context, data);
}

void rethrow(ErrorData *data) {
    ReThrowError(data);
}

void report_out_of_memory() {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
    pg_unreachable();
}

void report_exception(const char *what) {
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("softdelete: %s", what)));
    pg_unreachable();
}

} // namespace detail

void raise(const ErrorReport &report) {
    call([&] {
        Relation relation = OidIsValid(report.relation) ? RelationIdGetRelation(report.relation) : nullptr;
        ereport(ERROR,
                (errcode(report.sqlstate),
                 errmsg("%.*s", printable_length(report.message), report.message.data()),
                 report.detail.empty()
                     ? 0
                     : errdetail("%.*s", printable_length(report.detail), report.detail.data()),
                 report.hint.empty() ? 0 : errhint("%.*s", printable_length(report.hint), report.hint.data()),
                 relation != nullptr ? errtable(relation) : 0));
    });
    pg_unreachable();
}

void warn(std::string_view message, std::string_view hint) {
    call([&] {
        ereport(WARNING, (errmsg("%.*s", printable_length(message), message.data()),
                          hint.empty() ? 0 : errhint("%.*s", printable_length(hint), hint.data())));
    });
}

void notice(std::string_view message, std::string_view hint) {
    call([&] {
        ereport(NOTICE, (errmsg("%.*s", printable_length(message), message.data()),
                         hint.empty() ? 0 : errhint("%.*s", printable_length(hint), hint.data())));
    });
}

} // namespace softdelete::pg
