// ALTER COLUMN ... TYPE, repeated on the archive of the table.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::archive {

// Once the command has run: gives the columns of the archive the types that those of the table have by now, by the USING
// expressions of the command. Types under domains, whose rules say nothing of archived rows. Called as the table's owner.
// Errors: what ALTER TABLE raises, where the archived values cannot have that type.
// Plain server code.
void retype_columns(const AlterTableStmt *command, Oid table, Oid archive);

} // namespace softdelete::archive
