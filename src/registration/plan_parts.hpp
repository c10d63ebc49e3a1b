// The parts of a registration, in the order in which register() goes through them. Each adds its steps to the work and
// notes what it adds in work.registration. Nothing is changed here. Errors as register() documents them.
#pragma once

#include "registration/table_work.hpp"

namespace softdelete::registration {

// Columns: added, or adopted where the type fits (42804, 42611 otherwise).
void plan_columns(TableWork &work);

// Whether the column can be adopted as the one that says who deleted a row.
bool can_say_who(const catalog::Column &column);

// Statistics of deleted_at and deletion_id where there are none: the planner would take one row in two hundred for live.
void plan_statistics(TableWork &work);

// The comments on columns and indexes that the other parts wish for, and the one on deleted_at that states the retention.
void plan_comments(TableWork &work);

// The indexes of deleted rows.
void plan_own_indexes(TableWork &work);

// The user's indexes and constraints, and what becomes of foreign keys' indexes.
void plan_conversions(TableWork &work);

// After a command that lets an index stay whole, or makes it so: it is recorded as one that does.
void record_whole_indexes(pg::Spi &spi, const catalog::Table &table,
                          const registry::Registration &registration);

// Converted indexes as they were before: records are those of the table and its members.
void plan_reversals(TableWork &work, const std::vector<registry::ConvertedIndex> &records);

void plan_triggers(TableWork &work);

// The check of rows as they were written, a part of plan_triggers(): on those of the members, or for partitions on the table
// that they are of, that have BEFORE triggers of users'. Gone where they have none.
void plan_written_checks(TableWork &work, const std::vector<catalog::Member> &members);

// Triggers of ours that were disabled unseen: those of the table, of its partitions and children, and of the tables that
// reference it. The others are those of plan_triggers().
void plan_disabled_triggers(TableWork &work);

// Row security as the visibility wants it, for the table, its partitions and its children: with rls our policies, else
// none of them. Raises 55000 where policies of the user's are there but not in force, 42710 where one has our name.
void plan_policies(TableWork &work);

// Takes our policies away and leaves row security as the user wishes it. Nothing where there are none.
void plan_policy_drops(TableWork &work);

// Notes in the catalog what became of the tables' row security. Called when the steps have run.
void record_policies(const TableWork &work);

// Views: made, or adopted where they mean the same (42P07 otherwise).
void plan_views(TableWork &work);

// Warns of the three views, adopted ones too, that read with their owner's rights where the table has row security.
void warn_of_views(TableWork &work);

// True where the view, which has one of the names that are registered, shows what it is to show.
bool is_view_in_step(const TableWork &work, Oid view, const std::string &name);

// Warns of a column such as is_deleted, which says beside deleted_at whether a row is deleted, and counts the rows where
// the two disagree.
void warn_of_flags(TableWork &work);

// Counts rows whose deleted_at is infinite: no purge takes the one kind, the next one takes the other.
void warn_of_endless_times(TableWork &work);

// Warns of a column such as removed_at that holds times of deletions, and that register() was not told of.
void warn_of_other_columns(TableWork &work);

// Warns of a column such as removed_by, where register() would add the column that says who deleted a row.
void warn_of_other_actors(TableWork &work);

// Warns of functions that count on the table's columns where plan_columns() adds some.
void warn_of_row_types(TableWork &work);

// Warns of foreign keys that no index serves. Called when plan_conversions() has been: it takes indexes away. together: as
// below.
void warn_of_key_indexes(TableWork &work, const std::vector<catalog::Table> &together);

// Warns of live rows that reference deleted ones, where a hand-made deleted_at is adopted. Reads both tables. together: as
// below.
void warn_of_live_children(TableWork &work, const std::vector<catalog::Table> &together);

// What goes on being worth to know of a registered table, by the catalogs alone. together: as below.
void plan_standing_warnings(TableWork &work, const std::vector<catalog::Table> &together);

// What registration cannot do for the user. together: tables that are being registered in the same call.
void plan_warnings(TableWork &work, const std::vector<catalog::Table> &together);

// The comment on deleted_at as it was, or what it is where a column of ours stays as plain data.
void plan_former_comment(TableWork &work, bool columns_stay);

} // namespace softdelete::registration
