// Entries to which no key of today leads.
#pragma once

#include "history/overwrite_entries.hpp"

#include <map>
#include <string>
#include <vector>

namespace softdelete::history {

// What an erasure of these subjects may have left in histories, because the table got another primary key since its history
// began: entries without a value of the key, and those from before a change of its columns while these were no key. Says
// which history, never whose entries.
std::vector<std::string> find_lost_entries(pg::Spi &spi, const std::map<Oid, SubjectKeys> &subjects);

} // namespace softdelete::history
