// The columns that a history table has before those of its table, in this order. What they say is in doc/history.md.
#pragma once

namespace softdelete::history {

enum OwnColumn {
    at,
    transaction_at,
    transaction,
    statement_at,
    deletion_id,
    command,
    kind,
    actor,
    changed,
    reason,
    other_key,
    own_column_count
};

struct OwnColumnShape {
    const char *name;
    const char *type;
    bool is_by_value;
    short length; // pg_type.typlen
};

// Wide and fixed ones first, so that little is lost to alignment. NULL where there is nothing to say, which takes a bit.
inline constexpr OwnColumnShape own_columns[own_column_count] = {
    {"history_at", "timestamptz", true, 8},     {"history_transaction_at", "timestamptz", true, 8},
    {"history_transaction", "xid8", true, 8},   {"history_statement_at", "timestamptz", true, 8},
    {"history_deletion_id", "int8", true, 8},   {"history_command", "int4", true, 4},
    {"history_kind", "\"char\"", true, 1},      {"history_actor", "text", false, -1},
    {"history_changed", "bytea", false, -1},    {"history_reason", "text", false, -1},
    {"history_other_key", "text[]", false, -1},
};

// history_kind.
enum Kind : char {
    kind_insert = 'I',
    kind_update = 'U',
    kind_delete = 'D',
    kind_truncate = 'T',
    kind_soft_delete = 'S',
    kind_restore = 'R',
    kind_purge = 'P',
    // ALTER TABLE drops the column or gives it another type: the last value that the row had.
    kind_alter = 'A',
    // The row as it is under a new key; beside an UPDATE under its former one. Has the new row, as an INSERT.
    kind_new_key = 'K',
};

} // namespace softdelete::history
