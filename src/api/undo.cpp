// The SQL functions on deletions: undo(), undo_preview() and conflicts(), and what the view softdelete.deletions calls.
// Unpacks the arguments, calls restore/ or deletion/, packs the result; decides nothing.
#include "deletion/count_deletion.hpp"
#include "pg/called_settings.hpp"
#include "pg/srf.hpp"
#include "restore/list_conflicts.hpp"
#include "restore/preview_undo.hpp"
#include "restore/undo_deletion.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

namespace softdelete {

namespace {

// The first argument of the functions on deletions. Errors: 22004 for NULL.
std::int64_t get_deletion(FunctionCallInfo call) {
    pg::call([] {
        session::check_version();
        PreventCommandIfParallelMode("softdelete functions");
    });
    if (call->args[0].isnull) {
        pg::raise({.sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
                   .message = "argument \"deletion_id\" must not be null",
                   .hint = "SELECT * FROM softdelete.deletions lists the deletions."});
    }
    return DatumGetInt64(call->args[0].value);
}

std::optional<TimestampTz> get_optional_time(FunctionCallInfo call, int number) {
    return call->args[number].isnull ? std::nullopt
                                     : std::optional(DatumGetTimestampTz(call->args[number].value));
}

// since and until. Errors: 22004 without since.
restore::DeletionTraits get_times(FunctionCallInfo call, int since, int until) {
    pg::call([] {
        session::check_version();
        PreventCommandIfParallelMode("softdelete functions");
    });
    if (call->args[since].isnull) {
        pg::raise({.sqlstate = ERRCODE_NULL_VALUE_NOT_ALLOWED,
                   .message = "argument \"since\" must not be null",
                   .hint = "Say since when, such as since => now() - interval '1 hour'."});
    }
    return {std::nullopt, *get_optional_time(call, since), get_optional_time(call, until), std::nullopt};
}

// (actor, since, relation, until)
restore::DeletionTraits get_traits_of_actor(FunctionCallInfo call) {
    restore::DeletionTraits traits = get_times(call, 1, 3);
    pg::Arguments arguments(call);
    traits.actor = arguments.optional_text(0);
    if (!call->args[2].isnull) {
        traits.relation = arguments.relation(2, "relation");
    }
    return traits;
}

// (relation, since, until)
restore::DeletionTraits get_traits_of_relation(FunctionCallInfo call) {
    restore::DeletionTraits traits = get_times(call, 1, 2);
    traits.relation = pg::Arguments(call).relation(0, "relation");
    return traits;
}

void add_lines(FunctionCallInfo call, const std::vector<restore::UndoLine> &lines) {
    pg::ResultSet result(call);
    for (const restore::UndoLine &line : lines) {
        result.add({line.deletion, line.deleted_at, line.deleted_by,
                    line.relation ? std::optional(std::to_string(*line.relation)) : std::nullopt, line.action,
                    line.rows, line.key, line.detail});
    }
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_undo);

PGDLLEXPORT Datum softdelete_undo(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        return Int64GetDatum(static_cast<int64>(restore::undo_deletion(get_deletion(fcinfo))));
    });
}

PG_FUNCTION_INFO_V1(softdelete_undo_of_actor);

PGDLLEXPORT Datum softdelete_undo_of_actor(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        return Int64GetDatum(static_cast<int64>(restore::undo_deletions(get_traits_of_actor(fcinfo))));
    });
}

PG_FUNCTION_INFO_V1(softdelete_undo_of_relation);

PGDLLEXPORT Datum softdelete_undo_of_relation(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        return Int64GetDatum(static_cast<int64>(restore::undo_deletions(get_traits_of_relation(fcinfo))));
    });
}

PG_FUNCTION_INFO_V1(softdelete_undo_preview);

PGDLLEXPORT Datum softdelete_undo_preview(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        add_lines(fcinfo, restore::preview_undo(get_deletion(fcinfo)));
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_undo_preview_of_actor);

PGDLLEXPORT Datum softdelete_undo_preview_of_actor(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        add_lines(fcinfo, restore::preview_undo(get_traits_of_actor(fcinfo)));
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_undo_preview_of_relation);

PGDLLEXPORT Datum softdelete_undo_preview_of_relation(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        add_lines(fcinfo, restore::preview_undo(get_traits_of_relation(fcinfo)));
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_conflicts);

PGDLLEXPORT Datum softdelete_conflicts(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        std::vector<restore::Conflict> conflicts = restore::list_conflicts(get_deletion(fcinfo));
        pg::ResultSet result(fcinfo);
        for (const restore::Conflict &conflict : conflicts) {
            result.add({std::to_string(conflict.relation), conflict.key, conflict.reason, conflict.detail});
        }
        return Datum{0};
    });
}

PG_FUNCTION_INFO_V1(softdelete_count_deletion);

PGDLLEXPORT Datum softdelete_count_deletion(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        std::string counts = deletion::count_deletion(get_deletion(fcinfo));
        return pg::call([&] { return CStringGetTextDatum(counts.c_str()); });
    });
}

} // extern "C"

} // namespace softdelete
