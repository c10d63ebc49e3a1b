// Keeps the status of the workers in shared memory. Written by worker/launcher and worker/purge_worker, read by worker/show_status
// for the view softdelete.worker_status. Where more databases are named than there is room for, the last ones do not show.
#include "worker/worker_status.hpp"

extern "C" {
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
}

#include <cstddef>
#include <cstring>

namespace softdelete::worker {

namespace {

constexpr int most_databases = 1000;
constexpr const char *area_name = "softdelete worker status";

WorkerStatus *status = nullptr;
LWLock *status_lock = nullptr;
shmem_request_hook_type next_shmem_request = nullptr;
shmem_startup_hook_type next_shmem_startup = nullptr;

constexpr Size get_size(int databases) {
    return offsetof(WorkerStatus, databases) + sizeof(DatabaseStatus) * static_cast<Size>(databases);
}

extern "C" void softdelete_request_memory() {
    if (next_shmem_request != nullptr) {
        next_shmem_request();
    }
    RequestAddinShmemSpace(get_size(most_databases));
    RequestNamedLWLockTranche(area_name, 1);
}

extern "C" void softdelete_attach_memory() {
    if (next_shmem_startup != nullptr) {
        next_shmem_startup();
    }
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool is_found = false;
    status = static_cast<WorkerStatus *>(ShmemInitStruct(area_name, get_size(most_databases), &is_found));
    if (!is_found) {
        memset(status, 0, get_size(most_databases));
    }
    status_lock = &GetNamedLWLockTranche(area_name)->lock;
    LWLockRelease(AddinShmemInitLock);
}

DatabaseStatus *find(Oid database) {
    for (int i = 0; i < status->count; i++) {
        if (status->databases[i].database == database) {
            return &status->databases[i];
        }
    }
    return nullptr;
}

DatabaseStatus *find_or_add(Oid database) {
    DatabaseStatus *entry = find(database);
    if (entry == nullptr && status->count < most_databases) {
        entry = &status->databases[status->count++];
        *entry = {database, WorkState::waiting, 0, 0, 0, 0};
    }
    return entry;
}

// The change is told what time it is.
void change(Oid database, void (*how)(DatabaseStatus *entry, TimestampTz now, int sqlstate),
            int sqlstate = 0) {
    if (status == nullptr) {
        return;
    }
    LWLockAcquire(status_lock, LW_EXCLUSIVE);
    if (DatabaseStatus *entry = find_or_add(database); entry != nullptr) {
        how(entry, GetCurrentTimestamp(), sqlstate);
    }
    LWLockRelease(status_lock);
}

void note_error(DatabaseStatus *entry, TimestampTz now, int sqlstate) {
    entry->state = WorkState::idle;
    entry->last_error_at = now;
    entry->sqlstate = sqlstate;
}

} // namespace

void install_worker_status() {
    if (!process_shared_preload_libraries_in_progress) {
        return;
    }
    next_shmem_request = shmem_request_hook;
    shmem_request_hook = softdelete_request_memory;
    next_shmem_startup = shmem_startup_hook;
    shmem_startup_hook = softdelete_attach_memory;
}

bool has_worker_status() noexcept {
    return status != nullptr;
}

void tell_next_look(TimestampTz next, Pause pause) {
    if (status != nullptr) {
        LWLockAcquire(status_lock, LW_EXCLUSIVE);
        status->next_look = next;
        status->pause = pause;
        LWLockRelease(status_lock);
    }
}

void tell_waiting(Oid database) {
    change(database, [](DatabaseStatus *entry, TimestampTz, int) { entry->state = WorkState::waiting; });
}

void tell_starting(Oid database) {
    change(database, [](DatabaseStatus *entry, TimestampTz, int) { entry->state = WorkState::starting; });
}

void tell_gone(Oid database) {
    change(database, [](DatabaseStatus *entry, TimestampTz now, int) {
        if (entry->state == WorkState::starting || entry->state == WorkState::running) {
            note_error(entry, now, 0);
        }
    });
}

void keep_databases(List *databases) {
    if (status == nullptr) {
        return;
    }
    LWLockAcquire(status_lock, LW_EXCLUSIVE);
    int kept = 0;
    for (int i = 0; i < status->count; i++) {
        if (list_member_oid(databases, status->databases[i].database)) {
            status->databases[kept++] = status->databases[i];
        }
    }
    status->count = kept;
    LWLockRelease(status_lock);
}

void tell_look(Oid database) {
    change(database, [](DatabaseStatus *entry, TimestampTz now, int) {
        entry->state = WorkState::running;
        entry->last_look = now;
    });
}

void tell_end(Oid database) {
    change(database, [](DatabaseStatus *entry, TimestampTz now, int) {
        entry->state = WorkState::idle;
        entry->last_end = now;
    });
}

void tell_error(Oid database, int sqlstate) {
    change(database, note_error, sqlstate);
}

const WorkerStatus *copy_worker_status() {
    if (status == nullptr) {
        return nullptr;
    }
    auto *copy = static_cast<WorkerStatus *>(palloc(get_size(most_databases)));
    LWLockAcquire(status_lock, LW_SHARED);
    memcpy(copy, status, get_size(status->count));
    LWLockRelease(status_lock);
    return copy;
}

} // namespace softdelete::worker
