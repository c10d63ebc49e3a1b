// One run per table at a time: a lock on an object that nothing else locks, so that VACUUM and DDL go their way.
#pragma once

#include "pg/boundary.hpp"

extern "C" {
#include "storage/lock.h"
}

namespace softdelete::purge {

class PurgeLock {
public:
    // Does not wait. of_session: held across commits until the destructor; otherwise until the transaction ends.
    PurgeLock(Oid relation, bool of_session);
    ~PurgeLock();
    PurgeLock(const PurgeLock &) = delete;
    PurgeLock &operator=(const PurgeLock &) = delete;

    bool is_held() const { return is_held_; }

    // Does any session, this one included, hold it?
    static bool is_taken(Oid relation);

private:
    LOCKTAG tag_ = {};
    bool of_session_;
    bool is_held_ = false;
};

} // namespace softdelete::purge
