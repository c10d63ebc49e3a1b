// What an expression depends on.
#pragma once

#include "pg/boundary.hpp"

extern "C" {
#include "catalog/objectaddress.h"
#include "nodes/nodes.h"
}

#include <string>
#include <vector>

// These write dependencies within a savepoint and roll them back: not in a read-only transaction.
namespace softdelete::pg {

// What the analyzed expression names besides columns of the relation and what the server brings, in order: exact identities. Of a part,
// such as an attribute, its whole as well.
std::vector<std::string> find_named_objects(Oid relation, Node *tree);

// All whose name or schema its text and those identities are made of: these objects, types of arguments and results, the schemas
// and the extensions that they are in. In one order for all callers, who lock them.
std::vector<ObjectAddress> find_all_that_name(Oid relation, Node *tree);

// Describes one that ends with its session, as in "type pg_temp.x"; null where the expression names none.
const char *find_temporary(Oid relation, Node *tree);

// Type and identity as pg_identify_object() and pg_event_trigger_dropped_objects() give them. Whether names have quotes there that they
// do not need is up to a setting of the session and to the server's keywords; here they have none. No two objects have the same.
std::string make_exact_identity(const char *type, const char *identity);

} // namespace softdelete::pg
