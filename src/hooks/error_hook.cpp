// Adds our hints to errors of the server that only a registered table can cause. Such errors are raised where no hook
// of a statement sees them.
#include "hooks/hooks.hpp"

#include "pg/server.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "utils/memutils.h"
}

#include <cstring>

namespace softdelete::hooks {

namespace {

emit_log_hook_type next_emit_log = nullptr;

struct Hint {
    const char *message_id; // the server's message, untranslated
    const char *text;
};

const Hint hints[] = {
    {"constraint \"%s\" for table \"%s\" does not exist",
     "If the table is registered with softdelete, the constraint is a partial unique index now: name its "
     "columns, as in ON "
     "CONFLICT (column)."},
    {"there is no unique constraint matching given keys for referenced table \"%s\"",
     "If the table is registered with softdelete, its unique constraints are partial unique indexes, which a "
     "foreign key "
     "cannot reference: reference the primary key, or add the foreign key before the table is registered."},
    {"cannot cluster on partial index \"%s\"", "If the table is registered with softdelete, the index covers "
                                               "live rows only: cluster on the primary key."},
    {"cannot use partial index \"%s\" as replica identity",
     "If the table is registered with softdelete, the index covers live rows only: use the primary key, or "
     "REPLICA IDENTITY FULL."},
};

extern "C" void softdelete_emit_log(ErrorData *error) {
    if (error->hint == nullptr && error->message_id != nullptr && session::is_extension_known()) {
        for (const Hint &hint : hints) {
            if (strcmp(error->message_id, hint.message_id) == 0) {
                error->hint = MemoryContextStrdup(error->assoc_context, hint.text);
            }
        }
    }
    if (next_emit_log != nullptr) {
        next_emit_log(error);
    }
}

} // namespace

void install_error_hook() {
    next_emit_log = emit_log_hook;
    emit_log_hook = softdelete_emit_log;
}

} // namespace softdelete::hooks
