// Which tables go along where something else is dropped.
#pragma once

#include "pg/spi.hpp"

#include <vector>

namespace softdelete::catalog {

// An object by its catalog's OID and its own.
struct ObjectName {
    Oid catalog;
    Oid object;
};

// The tables that depend on the object, itself included, by name. cascade: as DROP ... CASCADE finds them; otherwise those
// alone that DROP takes along without being told.
std::vector<Oid> find_dependent_tables(pg::Spi &spi, const ObjectName &object, bool cascade);

// The tables that DROP OWNED BY the role drops.
std::vector<Oid> find_owned_tables(pg::Spi &spi, Oid role, bool cascade);

} // namespace softdelete::catalog
