// Rows whose removal would overwrite a held row, because ON DELETE SET NULL or SET DEFAULT takes its link away. Used by
// holds/held_rows and holds/hold_check; the graph serves for one statement or batch.
#pragma once

#include "holds/hold_graph.hpp"

#include <map>

namespace softdelete::holds {

class HeldLinks {
public:
    HeldLinks(pg::Spi &spi, HoldGraph &graph) : spi_(spi), graph_(graph) {}

    // May the removal of a row of the table, or of what goes with it by CASCADE, overwrite a held row?
    bool leads_to_held(Oid relation);

    // Those of the rows whose removal would do that, each with a hold.
    HoldGraph::Found find(const rows::RowSet &rows);

    // All rows whose removal would do that: those of the table, and of tables around it.
    HoldGraph::Found find_all(Oid relation);

private:
    std::vector<catalog::ForeignKey> find_keys(Oid relation);

    pg::Spi &spi_;
    HoldGraph &graph_;
    std::map<Oid, bool> leads_;
};

} // namespace softdelete::holds
