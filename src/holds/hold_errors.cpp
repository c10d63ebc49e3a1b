// What is said where a hold refuses something. Thrown by holds/ itself, and by ddl/ about foreign keys.
#include "holds/hold_errors.hpp"

#include "sqltext/format.hpp"

namespace softdelete::holds {

using catalog::ForeignKey;
using catalog::TableInfo;

void raise_held(const TableInfo &table, std::int64_t hold, const char *verb) {
    pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               .message = sqltext::format("cannot %1% a row of table %2% that is on hold", verb, table.title),
               .detail = sqltext::format("Hold %1% protects the row, or one that goes with it.", hold),
               .hint = sqltext::format("SELECT * FROM softdelete.holds tells why; SELECT "
                                       "softdelete.release(%1%) ends it.",
                                       hold),
               .relation = table.relation});
}

void raise_held_link(const TableInfo &table, std::int64_t hold, const char *verb) {
    pg::raise(
        {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
         .message = sqltext::format("cannot %1% a row of table %2% that a row on hold references", verb,
                                    table.title),
         .detail = sqltext::format("Hold %1% protects a row that would lose its reference, by ON DELETE SET "
                                   "NULL or SET DEFAULT.",
                                   hold),
         .hint = sqltext::format("SELECT * FROM softdelete.holds tells why; SELECT "
                                 "softdelete.release(%1%) ends it.",
                                 hold),
         .relation = table.relation});
}

void raise_lost_link(const ForeignKey &key, std::int64_t hold, const char *verb) {
    pg::raise(
        {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
         .message = sqltext::format("cannot %1% foreign key \"%2%\" of table %3% because rows are on hold "
                                    "through it",
                                    verb, key.name, key.child.title),
         .detail = sqltext::format("Hold %1% protects a row of table %2% and what its removal would take "
                                   "along.",
                                   hold, key.parent.title),
         .hint = sqltext::format("SELECT * FROM softdelete.holds tells why; SELECT "
                                 "softdelete.release(%1%) ends it.",
                                 hold),
         .relation = key.child.relation});
}

} // namespace softdelete::holds
