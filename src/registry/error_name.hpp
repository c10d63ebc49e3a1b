// How the logs name an error: they outlive the data, so that they keep none of an error's texts, which may quote it.
#pragma once

#include "pg/spi.hpp"

#include <string>

namespace softdelete::registry {

// An error's SQLSTATE, and the table and the constraint that it names where the catalogs know them: anybody's function may
// raise an error with a value in the place of a name. error 23514: constraint "positive" of table shop.orders
// Consumes the error.
std::string name_error(pg::Spi &spi, pg::ServerError error);

} // namespace softdelete::registry
