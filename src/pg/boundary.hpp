// The only place where the server's longjmp and C++ exceptions meet. call() brings the server's errors into C++,
// entry() takes C++'s exceptions back to the server; nothing else in the project sets a jump target or raises an error.
// Background: src/include/utils/elog.h (PG_TRY) and the manual's "Using C++ for Extensibility".
#pragma once

#include "pg/server.hpp"

#include <csetjmp>
#include <exception>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace softdelete::pg {

// An error that the server raised, or that raise() made: a whole copy of its ErrorData in a memory context of its own.
// Owned by exactly one object; where it is not passed on to entry(), the destructor frees it.
class ServerError final : public std::exception {
public:
    // context may be null: then memory was too short even to copy the error, and it is reported as just that.
    ServerError(MemoryContext context, ErrorData *data) noexcept : context_(context), data_(data) {}

    ServerError(ServerError &&other) noexcept
        : context_(std::exchange(other.context_, nullptr))
        , data_(std::exchange(other.data_, nullptr)) {}

    ServerError(const ServerError &) = delete;
    ServerError &operator=(const ServerError &) = delete;
    ServerError &operator=(ServerError &&) = delete;
    ~ServerError() override;

    // The SQLSTATE in the server's encoding (MAKE_SQLSTATE).
    int sqlstate() const noexcept { return data_ ? data_->sqlerrcode : ERRCODE_OUT_OF_MEMORY; }

    const char *message() const noexcept {
        return data_ && data_->message ? data_->message : "out of memory";
    }

    const char *detail() const noexcept { return data_ ? data_->detail : nullptr; }

    bool has_hint() const noexcept { return data_ && data_->hint; }

    const char *what() const noexcept override { return message(); }

    // Replace the primary message or the hint of an error that is passed on. Raises ServerError on memory exhaustion.
    void set_message(std::string_view message);
    void set_hint(std::string_view hint);

    // Drops the DETAIL, where it shows values that are not for the user.
    void clear_detail() noexcept;

    // Drops the CONTEXT, which names statements of our own that mean nothing to a user.
    void clear_context() noexcept;

    // Drops the place in the text of a statement, where the user has not written that text.
    void clear_position() noexcept;

    // Used by entry(): hands the ErrorData over; the memory context becomes a child of the current one.
    ErrorData *release() noexcept;

private:
    MemoryContext context_;
    ErrorData *data_;
};

namespace detail {

// Does C++ run that exceptions may leave, an entry() and no call() within it? Kept in builds with assertions only.
inline bool is_in_cxx = false;

// Says what runs for as long as the object lives: C++ below an entry(), or the server below a call().
class RunningCode {
public:
#ifdef USE_ASSERT_CHECKING
    explicit RunningCode(bool is_cxx) noexcept : was_cxx_(std::exchange(is_in_cxx, is_cxx)) {}

    ~RunningCode() {
        is_in_cxx = was_cxx_;
    }
#else
    explicit RunningCode(bool) noexcept {}
#endif
    RunningCode(const RunningCode &) = delete;
    RunningCode &operator=(const RunningCode &) = delete;

private:
    [[maybe_unused]] bool was_cxx_ = false;
};

// What a guard puts back, whether the guarded code returned, threw or jumped.
class SavedHandlers {
public:
    SavedHandlers() noexcept
        : exception_stack_(PG_exception_stack)
        , context_stack_(error_context_stack)
        , memory_(CurrentMemoryContext) {}

    SavedHandlers(const SavedHandlers &) = delete;
    SavedHandlers &operator=(const SavedHandlers &) = delete;

    ~SavedHandlers() {
        PG_exception_stack = exception_stack_;
        error_context_stack = context_stack_;
    }

    MemoryContext memory() const noexcept { return memory_; }

private:
    sigjmp_buf *exception_stack_;
    ErrorContextCallback *context_stack_;
    MemoryContext memory_;
};

// Copies the error on top of the server's stack, flushes it, and throws it as ServerError.
[[noreturn]] void throw_current_error(MemoryContext caller);

// Raises data again, with everything that it carries. Never returns; must not be called from a catch block.
[[noreturn]] void rethrow(ErrorData *data);
[[noreturn]] void report_out_of_memory();
[[noreturn]] void report_exception(const char *what);

} // namespace detail

// Runs code that calls the server. An error that it raises leaves call() as ServerError.
// The lambda owns nothing with a destructor (the error jumps over it) and returns nothing or a plain value.
// Plain server code never comes here: no entry() stands between its frames, which are C's, and what is thrown.
template <typename Function>
auto call(Function &&function) -> decltype(function()) {
    using Result = decltype(function());
    static_assert(std::is_void_v<Result> || std::is_trivially_copyable_v<Result>,
                  "an error would jump over the result's destructor");
    Assert(detail::is_in_cxx);
    detail::SavedHandlers saved;
    const detail::RunningCode server(false);
    sigjmp_buf target;
    if (sigsetjmp(target, 0) != 0) {
        PG_exception_stack = nullptr;
        Assert(!detail::is_in_cxx); // else the error has jumped over C++
        detail::throw_current_error(saved.memory());
    }
    PG_exception_stack = &target;
    return function();
}

// Runs C++ that the server called. Whatever is thrown is raised as a server error after the catch block was left.
// An extern "C" function consists of one entry() and nothing else that can fail. C++ comes to one by a call() only.
template <typename Function>
auto entry(Function &&function) -> decltype(function()) {
    ErrorData *server_error = nullptr;
    bool out_of_memory = false;
    char what[256] = "unknown exception";
    Assert(!detail::is_in_cxx);
    try {
        const detail::RunningCode cxx(true);
        return function();
    } catch (ServerError &error) {
        server_error = error.release();
        out_of_memory = server_error == nullptr;
    } catch (const std::bad_alloc &) {
        out_of_memory = true;
    } catch (const std::exception &error) {
        strlcpy(what, error.what(), sizeof(what));
    } catch (...) {
    }
    if (server_error != nullptr) {
        detail::rethrow(server_error);
    }
    if (out_of_memory) {
        detail::report_out_of_memory();
    }
    detail::report_exception(what);
}

// The parts of an error that a user sees. Empty parts are left out.
struct ErrorReport {
    int sqlstate;
    std::string_view message;
    std::string_view detail = {};
    std::string_view hint = {};
    Oid relation = InvalidOid; // named in the error's schema and table fields
};

// Throws the ServerError that ereport(ERROR) would have raised.
[[noreturn]] void raise(const ErrorReport &report);

// Sends a WARNING or NOTICE to the client.
void warn(std::string_view message, std::string_view hint = {});
void notice(std::string_view message, std::string_view hint = {});

} // namespace softdelete::pg
