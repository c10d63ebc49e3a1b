// What the launcher and the workers tell of themselves, in shared memory: the view softdelete.worker_status. Lives as long as
// the server runs. Plain server code.
#pragma once

#include "pg/server.hpp"
#include "worker/working_hours.hpp"

namespace softdelete::worker {

enum class WorkState { waiting, starting, running, idle };

struct DatabaseStatus {
    Oid database;
    WorkState state;
    TimestampTz last_look; // 0: none
    TimestampTz last_end;
    TimestampTz last_error_at;
    int sqlstate; // of the last error; 0 where the process ended before it could tell
};

struct WorkerStatus {
    TimestampTz next_look; // 0: none is meant
    Pause pause;
    int count;
    DatabaseStatus databases[1]; // as many
};

// Called once from _PG_init, while libraries are preloaded.
void install_worker_status();

// Is there shared memory, as where the library was preloaded by the server?
bool has_worker_status() noexcept;

// By the launcher.
void tell_next_look(TimestampTz next, Pause pause);
void tell_waiting(Oid database);
void tell_starting(Oid database);
// The process is gone: an error where it has not told of its end.
void tell_gone(Oid database);
// Forgets the databases that are not among these.
void keep_databases(List *databases);

// By a worker.
void tell_look(Oid database);
void tell_end(Oid database);
void tell_error(Oid database, int sqlstate);

// A copy, in the current memory context; null without shared memory.
const WorkerStatus *copy_worker_status();

} // namespace softdelete::worker
