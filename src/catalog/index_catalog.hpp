// Indexes and the constraints that they serve, read from the system catalogs.
#pragma once

#include "model/index_facts.hpp"
#include "pg/spi.hpp"

#include <string>
#include <vector>

namespace softdelete::catalog {

// The indexes of the tables, those of earlier tables first, by name. The columns are those that softdelete keeps.
std::vector<model::IndexFacts> find_indexes(pg::Spi &spi, const std::vector<Oid> &tables,
                                            const std::vector<std::string> &columns);

// For each key column of a btree index the operator that its uniqueness goes by, as OPERATOR(schema.=).
std::vector<std::string> get_equality_operators(pg::Spi &spi, Oid index);

// Does a valid index begin with a column of this foreign key and hold all rows that have a value there?
bool has_key_index(pg::Spi &spi, Oid constraint);

} // namespace softdelete::catalog
