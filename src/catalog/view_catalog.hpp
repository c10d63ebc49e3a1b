// Relations by name, such as those under the names of our views.
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>

namespace softdelete::catalog {

struct ExistingRelation {
    Oid oid;
    char kind; // pg_class.relkind
    bool is_security_invoker;
    std::string options; // of a view that reads with its reader's rights, as WITH (...) takes them
};

std::optional<ExistingRelation> find_relation(Oid schema, const std::string &name);
bool has_relation(Oid schema, const std::string &name);

// True for softdelete.include_deleted().
bool is_include_deleted(Oid function);

// A view of that name, of the same owner, that reads the table and is not in the table's schema: the other schema's name.
struct StrayView {
    ExistingRelation view;
    std::string schema;
};

std::optional<StrayView> find_view_elsewhere(pg::Spi &spi, Oid table, const std::string &name);

} // namespace softdelete::catalog
