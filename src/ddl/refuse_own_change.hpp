// Refuses to rename or move the extension's own objects, or to give single ones to somebody else. The event trigger on
// ddl_command_start calls it.
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::ddl {

// ALTER ... RENAME, SET SCHEMA and OWNER TO of our schemas, and of the tables, views, indexes, sequences and functions in
// them, of their columns and triggers as well. Not within scripts of the extension. Plain server code. Errors: 55000.
void refuse_own_change(const DdlCommand &command);

// Refuses triggers and rules on histories, archives and their partitions, which could keep back what erase() and purge()
// remove, and that they lose what they hold in a crash. Plain server code. Errors: 55000.
void refuse_kept_change(const DdlCommand &command);

// Refuses CREATE TABLE ... PARTITION OF a history or an archive: purge() takes each partition for one of ours. Called when it
// is there. Plain server code. Errors: 55000.
void refuse_kept_partition(const DdlCommand &command);

// Refuses to attach a table that has an archive or a history to a partitioned table, and a registered one to a table with an
// archive. Plain server code. Errors: 55000.
void refuse_attachment(const DdlCommand &command);

} // namespace softdelete::ddl
