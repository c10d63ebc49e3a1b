// Who called a command, and with which settings.
#pragma once

#include "pg/scopes.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace softdelete::pg {

// Who called a command, and with which settings: what users' code finds when a statement of the command's fires it, as if
// the caller's own statement did (session/own_statement.hpp). Commands nest; the innermost counts.
class CalledSettings {
public:
    // As they are now: the role and search_path.
    CalledSettings();
    // As the innermost ones, to be changed.
    static CalledSettings copy();
    ~CalledSettings();
    CalledSettings(const CalledSettings &) = delete;
    CalledSettings &operator=(const CalledSettings &) = delete;

    // Another setting as it is now.
    void keep(const char *name);
    // Another path than the caller's.
    void set_path(const std::string &path);

    // Sets them at the present level of settings. Plain server code.
    static void apply();
    // The path alone: for what is planned, which goes by the other settings that a command makes.
    static void apply_path();
    static Oid caller() noexcept;
    // Is a command under way?
    static bool are_in_force() noexcept;
    // Did exactly that many statements run when the innermost command began? Asked with how many run around a statement: where it
    // is so the statement is the command's own; where more run, it belongs to what the command has fired.
    static bool began_at(int running_statements) noexcept;

private:
    explicit CalledSettings(const CalledSettings *outer);

    Oid caller_;
    std::vector<std::pair<const char *, std::string>> values_;
    int running_statements_;
    CalledSettings *outer_;
};

// What tells how many statements run. Installed once, when the library is loaded.
using StatementCount = int (*)();
void install_statement_count(StatementCount count) noexcept;

// Is the role another one than called the command, and one that has not all the rights of whoever is logged in? Then code of
// that role's is not to find them.
bool runs_others_code(Oid role, Oid caller);

// Reads a value that the caller has written as text: by his settings, as a statement of his own would, and as the role whose
// type it is. Nobody else reads such a text: what goes on is the value. It lives in the current memory context.
Datum read_as_caller(const std::string &text, Oid type, Oid reader, const std::string &hint);

// False where the text is known to be no value of the type, without an error: for types of the server's, from 16 on. Then nobody
// has to catch what read_as_caller() raises.
bool may_be_value(const std::string &text, Oid type);

// For a statement of the caller's on a table that he names in a function of ours. Where he has all rights of the table's
// owner, and no policy binds him, it runs as the owner: he lends the owner's code nothing.
class NamedTableScope {
public:
    NamedTableScope(Oid table, Oid owner);

private:
    std::optional<OwnerScope> owner_;
};

// For functions without a SET clause: remembers the caller's settings, then pins the session.
class CommandScope {
    CalledSettings called_;
    PinnedScope pinned_;
};

} // namespace softdelete::pg
