// softdelete_internal.erasure: the proof of what was erased or anonymized. Written as the extension's owner.
#pragma once

#include "catalog/table_info.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace softdelete::registry {

struct Erasure {
    std::string action; // 'erase' or 'anonymize'
    std::string reason;
    std::string rows; // JSON
    std::vector<std::string> key;
    std::vector<std::string> not_reached; // besides what no erasure reaches; no values of rows
};

using HistoryCounts = std::map<std::string, std::uint64_t>; // entries, by the history's name

// The JSON object with the entries of histories beside the rows of tables.
std::string add_counts(pg::Spi &spi, const std::string &counts, const HistoryCounts &entries);

// Adds an entry and returns it as JSON, with what it does not reach. Of the key it keeps a digest, and the key itself
// only where all its columns are integers or uuids.
std::string insert_erasure(pg::Spi &spi, const catalog::TableInfo &table, const Erasure &erasure);

// Actor and reason of these deletions are forgotten.
void clear_deletions(pg::Spi &spi, const std::vector<std::string> &deletions);

} // namespace softdelete::registry
