// Foreign-key violations in PostgreSQL's own words (ri_ReportViolation() and ri_PerformCheck() in src/backend/utils/adt/ri_triggers.c).
// Plain server code.
#pragma once

#include "catalog/foreign_key_info.hpp"

#include "pg/server.hpp"

extern "C" {
#include "access/htup.h"
#include "access/tupdesc.h"
}

namespace softdelete::deletion {

// A live row references what was deleted. row holds the referencing columns in the key's order.
[[noreturn]] void report_still_referenced(const catalog::ForeignKeyInfo &key, HeapTuple row,
                                          TupleDesc columns);

// A live row of the child references a deleted row; row is a row of the child table.
[[noreturn]] void report_not_present(const catalog::ForeignKeyInfo &key, Relation child, HeapTuple row);

// A rule of the child table put something else in the place of a statement of the key's.
[[noreturn]] void report_rewritten(const catalog::ForeignKeyInfo &key);

} // namespace softdelete::deletion
