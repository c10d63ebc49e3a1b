// Rows whose removal would overwrite a held row, because ON DELETE SET NULL or SET DEFAULT takes its link away, at once or, in an
// archive, when the held row comes back. Used by holds/held_rows and holds/hold_check. Serves for one statement or batch, as the graph does: reads the keys of each table
// once, and the rows whenever it is asked.
#pragma once

#include "holds/hold_graph.hpp"

#include <map>

namespace softdelete::holds {

class HeldLinks {
public:
    explicit HeldLinks(HoldGraph &graph) : graph_(graph) {}

    // May the removal of a row of the table, or of what goes with it by CASCADE, overwrite a held row?
    bool leads_to_held(pg::Spi &spi, Oid relation);

    // Those of the rows whose removal would do that, each with a hold.
    HoldGraph::Found find(pg::Spi &spi, const rows::RowSet &rows);

    // All rows whose removal would do that: those of the table, and of tables around it.
    HoldGraph::Found find_all(pg::Spi &spi, Oid relation);

private:
    std::vector<catalog::ForeignKey> find_keys(pg::Spi &spi, Oid relation);
    const std::vector<catalog::ForeignKey> &get_referencing_keys(pg::Spi &spi, Oid relation);

    HoldGraph &graph_;
    std::map<Oid, bool> leads_;
    std::map<Oid, std::vector<catalog::ForeignKey>> referencing_;
};

} // namespace softdelete::holds
