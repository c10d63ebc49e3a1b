// Tables with an archive, and archives, through DDL: which commands concern one, and which are refused.
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::ddl {

// Refuses what would take an archive apart by hand, and inheritance, for children have rows and triggers of their own.
// Plain server code. Errors: 0A000, 55000, 2BP01.
void refuse_archive_change(const DdlCommand &command);

// Before ALTER TABLE of a table with an archive: columns whose new names its archive has not heard of get them, while the views
// say which are which.
void prepare_archive(const DdlCommand &command);

// When the command is through: the archive gets the columns, types and key of its table; partitions that came get the guard against TRUNCATE, those that left give our triggers
// back, and foreign keys between tables of both strategies are refused.
void follow_archive(const DdlCommand &command);

} // namespace softdelete::ddl
