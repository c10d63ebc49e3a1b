// Changes of the session's state that end with the scope. On an error they do not put anything back themselves: the
// abort of the (sub)transaction does, as it does for the server's own code.
#pragma once

#include "pg/boundary.hpp"

extern "C" {
#include "utils/snapshot.h"
}

namespace softdelete::pg {

// Who the session acts as, and what that role may not do meanwhile (SECURITY_..., miscadmin.h).
struct Role {
    Oid user;
    int context;
};

// As an owner whose code is trusted, past his forced policies, for plain server code, where an error jumps over destructors:
// returns the role that was in force, for the act_as() that ends it.
Role act_as_owner(Oid owner) noexcept;
void act_as(const Role &role) noexcept;

// The same as UserScope for plain server code. begin_acting() returns what end_acting() takes.
struct Acting {
    Role before;
    int nest_level; // of settings; 0 where those that are made meanwhile stay
};

Acting begin_acting(Oid role);
void end_acting(const Acting &acting);

// What RoleScope does, within a command of ours. Elsewhere a plain change of the role, as the server makes it for
// referential actions: what a statement of the caller's own causes is a part of that.
Acting begin_acting_in_command(Oid role, int context);

// Acts as another role for as long as it lives. Any statement may run code of that role's: the planner alone evaluates
// index predicates. Where the code is somebody else's than the caller's, nothing that it does outlives the scope: that is a
// security-restricted operation (no deferred triggers, temporary tables, cursors WITH HOLD), and its settings end with it.
class RoleScope {
public:
    RoleScope(const RoleScope &) = delete;
    RoleScope &operator=(const RoleScope &) = delete;

protected:
    RoleScope(Oid role, int context);
    ~RoleScope();

private:
    bool is_others_;
    Role saved_;
    int nest_level_ = 0;
};

// As the server's maintenance commands do: in a security-restricted operation in any case.
class UserScope : public RoleScope {
public:
    explicit UserScope(Oid role);
};

// As a table's owner, as the server's referential actions do: the owner's policies are not forced on it.
class OwnerScope : public RoleScope {
public:
    explicit OwnerScope(Oid owner);
};

// Settings that hold until the scope's end.
class SettingScope {
public:
    SettingScope();
    ~SettingScope();
    SettingScope(const SettingScope &) = delete;
    SettingScope &operator=(const SettingScope &) = delete;

    // Sets one, with a superuser's rights where it needs them. Raises on a value that the setting refuses.
    void set(const char *name, const char *value);

private:
    int nest_level_ = 0;
};

// The settings that the meaning of a statement's text and the text of a definition depend on, held still. Every statement
// of ours is parsed in one, which pg::Spi and prepare_plan() see to. An empty one where they are as they should be: that
// costs a few comparisons. A plain SET in users' code that runs within it undoes it, so that it is asked for each statement.
class PinnedScope {
public:
    PinnedScope();
    ~PinnedScope();
    PinnedScope(const PinnedScope &) = delete;
    PinnedScope &operator=(const PinnedScope &) = delete;

private:
    int nest_level_;
};

// The same for plain server code, where an error jumps over destructors: returns what unpin_session() takes.
int pin_session();
void unpin_session(int nest_level);

// Values become text, and text values, in a way that does not depend on the session's settings.
class ExactTextScope {
public:
    ExactTextScope();

private:
    SettingScope settings_;
};

// Reads what a snapshot shows. On an error the (sub)transaction's abort takes it away.
class SnapshotScope {
public:
    explicit SnapshotScope(Snapshot snapshot);
    ~SnapshotScope();
    SnapshotScope(const SnapshotScope &) = delete;
    SnapshotScope &operator=(const SnapshotScope &) = delete;
};

// Reads what is committed by now, and what this transaction had done before that command of its own.
class PastScope {
public:
    explicit PastScope(CommandId before);

private:
    SnapshotScope snapshot_;
};

// As a table's owner, past its own forced policies, in a security-restricted operation: for reading a table on behalf of
// somebody who may have more rights than the owner, whose code the reading may run.
class ReadScope {
public:
    explicit ReadScope(Oid owner) : user_(owner), policies_(owner) {}

private:
    UserScope user_;
    OwnerScope policies_;
};

// Until the transaction ends no name is looked up but in pg_catalog: for code that commits, around which no scope fits.
void pin_search_path();

// The role that owns the extension's tables. The second one is for plain server code.
Oid get_extension_owner();
Oid find_extension_owner();

} // namespace softdelete::pg
