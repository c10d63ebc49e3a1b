// What a view has beside its query, so that it can be dropped and made again.
#pragma once

#include "pg/spi.hpp"

#include <string>
#include <vector>

namespace softdelete::catalog {

struct ViewProperty {
    Oid role; // as whom the statement runs; 0 for the table's owner
    std::string command;
};

// The statements that give a new view of that name the options, privileges, comments, column defaults, triggers, rules,
// security labels and (where it is not the owner of the table) owner that this one has, in order. What was said of the dropped columns is left out.
std::vector<ViewProperty> get_view_properties(pg::Spi &spi, Oid view, Oid table,
                                              const std::vector<std::string> &dropped_columns);

// Takes the privileges away that default privileges gave to others than the owner.
void revoke_default_privileges(pg::Spi &spi, Oid view);

} // namespace softdelete::catalog
