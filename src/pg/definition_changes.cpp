// A counter, for caches that depend on more than one catalog, such as pg/kept_answers. Coarse on purpose: DDL is rare. The
// callbacks only count, so that they may come at any time.
#include "pg/definition_changes.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace softdelete::pg {

namespace {

uint64 definition_changes = 0;

void note_change(Datum, compat::SysCacheIdentifier, uint32) {
    definition_changes++;
}

} // namespace

uint64 count_definition_changes() {
    AcceptInvalidationMessages();
    return definition_changes;
}

void note_relation_change() noexcept {
    definition_changes++;
}

void install_definition_changes() {
    CacheRegisterSyscacheCallback(CONSTROID, note_change, 0);
    CacheRegisterSyscacheCallback(TYPEOID, note_change, 0);
    CacheRegisterSyscacheCallback(NAMESPACEOID, note_change, 0);
    CacheRegisterSyscacheCallback(OPEROID, note_change, 0);
    CacheRegisterSyscacheCallback(CLAOID, note_change, 0);
    CacheRegisterSyscacheCallback(AMOPOPID, note_change, 0);
    CacheRegisterSyscacheCallback(COLLOID, note_change, 0);
}

} // namespace softdelete::pg
