// Who called a command, and with which settings.
#pragma once

#include "pg/scopes.hpp"

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
    static Oid caller() noexcept;

private:
    explicit CalledSettings(const CalledSettings *outer);

    Oid caller_;
    std::vector<std::pair<const char *, std::string>> values_;
    CalledSettings *outer_;
};

// Is the role another one than called the command, and one that has not all the rights of whoever is logged in? Then code of
// that role's is not to find them.
bool runs_others_code(Oid role, Oid caller);

// Acts as a table's owner for a statement that fires users' triggers: as pg::OwnerScope, and in a security-restricted
// operation where the owner's code must not outlive it.
class OwnersCodeScope {
public:
    explicit OwnersCodeScope(Oid owner);
    ~OwnersCodeScope();
    OwnersCodeScope(const OwnersCodeScope &) = delete;
    OwnersCodeScope &operator=(const OwnersCodeScope &) = delete;

private:
    Role saved_;
};

// For functions without a SET clause: remembers the caller's settings, then pins the session.
class CommandScope {
    CalledSettings called_;
    PinnedScope pinned_;
};

} // namespace softdelete::pg
