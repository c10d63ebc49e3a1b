// What a DELETE of a table's rows does along each foreign key, for people.
#pragma once

#include "model/mermaid.hpp"
#include "pg/server.hpp"

#include <string>
#include <vector>

namespace softdelete::deletion {

struct CascadeTable {
    Oid relation;
    std::string description; // registered or not, how, and for how long its rows are kept
};

struct CascadeGraph {
    std::vector<CascadeTable> tables;
    std::vector<model::GraphEdge> keys;
};

// The table, those that CASCADE keys lead to, and those that reference any of them, registered or not. Reads catalogs alone,
// which everybody may read. Errors: those of catalog::get_users_table().
CascadeGraph find_cascade_graph(Oid relation);

} // namespace softdelete::deletion
