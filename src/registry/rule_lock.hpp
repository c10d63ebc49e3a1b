// Who sets a rule for anonymization and who renames, moves or drops what the rule names wait for each other; those who name other
// objects do not. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "catalog/objectaddress.h"
}

namespace softdelete::registry {

// Until the transaction ends nobody renames, moves or drops these objects, and nobody waits for one but who does. Taken in the order of
// pg::find_all_that_name(); what was looked up before is to be looked up again. Who drops them locks them himself, as the
// server has it. A table that the user has no privilege on stays unlocked, so that its owner does not wait for him.
void lock_named(const ObjectAddress *objects, int count);

// Until the transaction ends nobody sets a rule that names it, or names something in it. For the owner of the object alone, before a
// look at the rules; of a relation the lock of the command does.
void lock_renamed(const ObjectAddress &object);
void unlock_renamed(const ObjectAddress &object);

// The same of a type, for those who drop casts of it, who do not wait for each other.
void lock_type_of_cast(const ObjectAddress &type);

} // namespace softdelete::registry
