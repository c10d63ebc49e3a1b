// The names of our triggers. Tables keep them in dumps: a name that changes needs an upgrade script.
#pragma once

namespace softdelete::model {

// How the names of all of them begin.
inline constexpr char own_trigger_prefix[] = "softdelete_";

// On every registered table and its members: the marker, by which a registered table is told; the guards of TRUNCATE and
// of UPDATEs of our columns.
inline constexpr const char *marker_trigger = "softdelete_marker";
inline constexpr const char *truncate_trigger = "softdelete_truncate";
inline constexpr const char *update_trigger = "softdelete_update";

// On those of them whose rows a BEFORE trigger of a user may change where the executor hook does not see it: looks at rows as
// they were written.
inline constexpr const char *written_check = "softdelete_written";

// On tables that are referenced: lock_trigger locks the rows before they are deleted, collect_trigger gathers them for the
// cascade, collect_moved_trigger those that arrive in another partition.
inline constexpr const char *lock_trigger = "softdelete_lock";
inline constexpr const char *collect_trigger = "softdelete_collect";
inline constexpr const char *collect_moved_trigger = "softdelete_collect_moved";

// Constraint triggers with the name of their foreign key behind. On the referencing table: no live row newly references a
// deleted one. On the referenced table: a deferrable NO ACTION key is asked at its time.
inline constexpr char parent_check_prefix[] = "softdelete_parent_";
inline constexpr char children_check_prefix[] = "softdelete_children_";

// On every table of the extension itself.
inline constexpr const char *own_table_trigger = "softdelete_own_table";

// On tables with a history: history_trigger notes each row's change, history_truncate_trigger the rows that TRUNCATE takes.
inline constexpr const char *history_trigger = "softdelete_history";
inline constexpr const char *history_truncate_trigger = "softdelete_history_truncate";

// On tables that are registered with the strategy archive, beside the guard of TRUNCATE: moves deleted rows there.
inline constexpr const char *archive_trigger = "softdelete_archive";

// On histories, archives and their partitions: nobody writes them by hand.
inline constexpr const char *kept_trigger = "softdelete_kept";

// On archives and their partitions, where a subscription writes them: rows on hold stay.
inline constexpr const char *applied_trigger = "softdelete_applied";

} // namespace softdelete::model
