// What the node that begins a deletion tells the nodes of shards of Citus about it. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace softdelete::deletion {

struct Token {
    int64 id;
    TimestampTz time;
    const char *actor; // behind an equals sign as softdelete.actor names it, behind a tilde a role
};

// Sealed with softdelete.node_secret, for shards of that table and the role in force. Raises 55000 where no secret is set.
const char *make_token(Oid relation, const Token &token);

// What the text says, whoever wrote it. Raises 42501 where it is none.
Token read_token(const char *text);

// Raises 42501 where the seal is not for this shard and this role, and 55000 where no secret is set.
void check_token(Oid shard, const char *text);

} // namespace softdelete::deletion
