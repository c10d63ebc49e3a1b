// The utility commands that the server is running in this session, innermost last: which of them are ours, and which
// validate foreign keys. Plain server code; the class is for C++.
#pragma once

#include "pg/server.hpp"

namespace softdelete::session {

// The utility hook says which commands run, the abort callbacks which an error has ended. While one validates foreign
// keys, its own queries see all rows. writes_rows: as COPY FROM does, without a statement of the executor's.
void begin_utility_command(bool validates_constraints, bool writes_rows);
void end_utility_command() noexcept;
void forget_utility_commands(int nest_level) noexcept;

// A number that no other command of the session has; 0 where none runs. What an event trigger prepares at the start of a
// command belongs to it, so that its end finds it, and the end of no command that runs within.
uint64 running_command() noexcept;
bool is_running_command(uint64 number) noexcept;

// Is the innermost command one of ours? Then our event triggers leave it alone.
bool is_own_command() noexcept;

// Is the innermost command one of ours, and has nothing begun within it? What runs now, it has called.
bool is_called_by_own_command() noexcept;

bool validates_constraints() noexcept;

// Is the innermost command one that writes rows, and has nothing begun within it?
bool is_writing_command() noexcept;

// While one lives, the commands are ours that are run where it was made. What these fire runs further in, and is not.
class OwnDdlScope {
public:
    OwnDdlScope() noexcept;
    ~OwnDdlScope();
    OwnDdlScope(const OwnDdlScope &) = delete;
    OwnDdlScope &operator=(const OwnDdlScope &) = delete;

    // Is it so here?
    static bool is_here() noexcept;

private:
    int commands_;
    int statements_;
    OwnDdlScope *outer_;
};

} // namespace softdelete::session
