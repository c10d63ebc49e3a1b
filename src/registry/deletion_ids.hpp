// Ids of deletions in databases that replicate into each other. Rows carry the ids of the database that deleted them, so
// that each of these databases gives ids of a range of its own. A database that is alone begins at 1.
#pragma once

#include "pg/spi.hpp"

#include <string>
#include <vector>

namespace softdelete::registry {

// own: the range that the database has, or its first one. another: one that it has not had, for it may be a copy of the
// database that it begins to subscribe to, or of one that subscribes to the same, with the range of that one.
enum class IdRange { own, another };

// Called where rows may come from elsewhere, before they do: from now on ids are of that range, above all those of
// databases that are alone. Ids that were given stay as they are.
void separate_deletion_ids(pg::Spi &spi, IdRange range);

// The same where the database has a subscription.
void separate_subscribers_ids(pg::Spi &spi);

// None of these ids is given by this database any more; those of other databases' ranges never are.
void reserve_deletion_ids(pg::Spi &spi, const std::vector<std::string> &ids);

// SQL: is the id of another range than those that this database gives? Others are its own, whatever their rows say.
std::string make_other_range(const std::string &id);

// SQL: the last id that this database has given.
inline constexpr const char *last_deletion_id =
    "(SELECT s.last_value FROM softdelete_internal.deletion_id_seq s)";

// SQL: is the id one that this database has given after the other one?
std::string make_given_after(const std::string &id, const std::string &other);

// SQL: the deletion of a row, by its column deletion_id, which has a negative number once the row was anonymized at the end of
// its retention. NULL for none, as is the lowest number, which an adopted column may have: it has no counterpart.
std::string make_deletion_of(const std::string &column);

// The tables that the log knows of a deletion, as far as they are there.
std::vector<Oid> find_touched_tables(pg::Spi &spi, const std::string &deletion);

} // namespace softdelete::registry
