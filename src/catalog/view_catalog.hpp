// Relations under the names of our views.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>

namespace softdelete::catalog {

struct ExistingRelation {
    Oid oid;
    char kind; // pg_class.relkind
    bool is_security_invoker;
};

std::optional<ExistingRelation> find_relation(pg::Spi &spi, Oid schema, const std::string &name);

// True for softdelete.include_deleted().
bool is_include_deleted(pg::Spi &spi, Oid function);

} // namespace softdelete::catalog
