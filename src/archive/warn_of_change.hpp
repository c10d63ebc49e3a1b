// What a change of strategy does not carry to the other side.
#pragma once

#include "catalog/table_catalog.hpp"
#include "model/step.hpp"
#include "pg/spi.hpp"
#include "registry/registry.hpp"

namespace softdelete::archive {

// Of a table whose deleted rows move to an archive. ends: the steps that end its registration.
std::vector<model::Step> warn_of_change(pg::Spi &spi, const catalog::Table &table,
                                        const registry::Registration &registration,
                                        const std::vector<model::Step> &ends);

// Either way: subscribers are sent what happens to the table, which is not all.
std::vector<model::Step> warn_of_subscribers(pg::Spi &spi, const catalog::Table &table);

// Of a table that is about to be registered, beside which an archive lies that an earlier registration has left: one that has its columns,
// and a deletion of each row. Errors: 55000 where the table has the columns of marked rows as well.
std::vector<model::Step> warn_of_left_archive(pg::Spi &spi, Oid relation);

} // namespace softdelete::archive
