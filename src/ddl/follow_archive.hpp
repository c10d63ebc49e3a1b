// Tables with an archive, and archives, through DDL: which commands concern one, and which are not followed yet.
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::ddl {

// Refuses what an archive does not follow yet: changes of the columns, the name, the schema, the owner, the key or the row
// security of its table, inheritance, and DROP TABLE; and what would take an archive apart by hand. Plain server code.
// Errors: 0A000, 55000, 2BP01.
void refuse_archive_change(const DdlCommand &command);

// When the command is through: partitions that came get the guard against TRUNCATE, those that left give our triggers
// back, and foreign keys between tables of both strategies are refused.
void follow_archive(const DdlCommand &command);

} // namespace softdelete::ddl
