// Deletions that took rows of the subject and hold none any more: they were restored, or all that they took is gone.
#pragma once

#include "rows/physical_tree.hpp"

#include <set>
#include <string>
#include <vector>

namespace softdelete::erasure {

// Of these deletions, those of the log of which no table and no archive holds a row.
std::vector<std::string> find_emptied(pg::Spi &spi, const std::set<std::string> &deletions);

struct FormerDeletions {
    std::vector<std::string> own;      // took rows of the subject and of nobody else
    std::set<std::string> not_reached; // what the entry of the log says
};

// To be asked when the subject's rows are gone, or overwritten, in tables and histories. told: deletions that entries of
// the subject's rows named. subjects: the tables of its rows.
FormerDeletions find_former_deletions(pg::Spi &spi, const std::set<std::string> &told,
                                      const std::set<Oid> &subjects);

} // namespace softdelete::erasure
