// Which rows legal holds protect: those that are held, those that the removal of a held row would take along (a hold on
// a row holds the tree below it along ON DELETE CASCADE keys), and those whose removal would take a held row along.
#pragma once

#include "holds/hold_graph.hpp"

#include <optional>

namespace softdelete::holds {

bool has_holds(pg::Spi &spi);

// What is about to become of rows. A row is kept from its removal also for the sake of held rows that lose their link to it,
// by ON DELETE SET NULL or SET DEFAULT.
enum class Harm { removal, overwriting };

// Those of the table's rows that a hold protects. Reads each table as its owner.
// Errors: 55000 where a hold's key has not as many values as the primary key has columns now.
rows::RowSet find_held_rows(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows,
                            Harm harm = Harm::removal);

// All of the table's rows that a hold protects.
rows::RowSet find_all_held_rows(pg::Spi &spi, const catalog::TableInfo &table, Harm harm = Harm::removal);

// Those that are held themselves or by rows above them, beside rows of other tables.
rows::RowSet find_rows_on_hold(pg::Spi &spi, HoldGraph &graph, const catalog::TableInfo &table);

// A hold that protects a row of the table or of one that inherits from it, itself or by a row above it. relation: the table
// or one of its partitions.
std::optional<std::int64_t> find_hold_in(pg::Spi &spi, const catalog::TableInfo &table, Oid relation);

// The same, or one on a row elsewhere that the removal of a row of the table would overwrite.
std::optional<std::int64_t> find_hold_at_risk(pg::Spi &spi, const catalog::TableInfo &table, Oid relation);

// A hold that the CASCADE key carries down to rows of its child table. is_gone: the key was dropped, and only rows count
// that no other key keeps on hold.
std::optional<std::int64_t> find_hold_through(pg::Spi &spi, const catalog::ForeignKey &key, bool is_gone);

// The hold that protects a row, itself or by a row above it. What the graph knows serves for many rows.
std::optional<std::int64_t> find_hold_above(pg::Spi &spi, HoldGraph &graph, const rows::RowId &row);

// The hold that protects a row like that, or for the sake of a row below it, as find_held_rows() has it.
std::optional<std::int64_t> find_hold_around(pg::Spi &spi, HoldGraph &graph, const rows::RowId &row);

// Those of the rows that are protected like the former, each with a hold.
HoldGraph::Found find_holds_above(pg::Spi &spi, HoldGraph &graph, const rows::RowSet &rows);

// Raises 55000 where a hold protects one of the rows; says which hold. verb: what is refused.
void check_held_rows(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows,
                     const char *verb = "remove", Harm harm = Harm::removal);

} // namespace softdelete::holds
