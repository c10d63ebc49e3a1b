// Hands the server's one callback on to those of the library's caches.
#include "pg/relation_changes.hpp"

extern "C" {
#include "utils/inval.h"
}

namespace softdelete::pg {

namespace {

constexpr int most_callbacks = 8;

RelationCallback callbacks[most_callbacks];
int callback_count = 0;

void call_all(Datum, Oid relation) {
    for (int i = 0; i < callback_count; i++) {
        callbacks[i](relation);
    }
}

} // namespace

void on_relation_change(RelationCallback callback) {
    if (callback_count == most_callbacks) {
        elog(FATAL, "out of callbacks for changes of relations");
    }
    if (callback_count == 0) {
        CacheRegisterRelcacheCallback(call_all, 0);
    }
    callbacks[callback_count++] = callback;
}

} // namespace softdelete::pg
