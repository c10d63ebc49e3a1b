// Runs statements that join the two tables of a foreign key. The statement is parsed, which runs nobody's code, as the
// extension's owner, since the tables' owner may not be able to name the schema that one is in. Called by restore/ and
// ddl/check_new_links.
#include "rows/key_statement.hpp"

#include "pg/scopes.hpp"
#include "session/own_statement.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

namespace softdelete::rows {

namespace {

pg::PreparedQuery prepare(pg::Spi &spi, const std::string &text, const std::vector<Oid> &types) {
    pg::OwnerScope owner(pg::get_extension_owner());
    session::OwnStatement own(text, {.reading = session::OwnReading::as_owners});
    pg::PreparedQuery query = spi.prepare(text, types);
    query.note_independent_of_role();
    return query;
}

std::vector<Oid> get_types(const std::vector<pg::Parameter> &parameters) {
    std::vector<Oid> types;
    for (const pg::Parameter &parameter : parameters) {
        types.push_back(OidIsValid(parameter.type()) ? parameter.type() : TEXTOID);
    }
    return types;
}

} // namespace

KeyStatement::KeyStatement(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                           const std::vector<Oid> &types)
    : text_(text)
    , role_(key.child.owner)
    , statement_(prepare(spi, text, types)) {
    Assert(catalog::has_one_owner(key));
}

// Announced again: it is parsed anew where something has changed meanwhile.
pg::Rows KeyStatement::query(const std::vector<pg::Parameter> &parameters) const {
    pg::OwnerScope owner(role_);
    session::OwnStatement own(text_, {.reading = session::OwnReading::as_owners}, statement_.plan());
    return statement_.query(parameters);
}

void KeyStatement::execute(const std::vector<pg::Parameter> &parameters) const {
    pg::OwnerScope owner(role_);
    session::OwnStatement own(text_, {.reading = session::OwnReading::as_owners}, statement_.plan());
    statement_.execute(parameters);
}

pg::Rows read_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                  const std::vector<pg::Parameter> &parameters) {
    return KeyStatement(spi, key, text, get_types(parameters)).query(parameters);
}

void execute_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                 const std::vector<pg::Parameter> &parameters) {
    KeyStatement(spi, key, text, get_types(parameters)).execute(parameters);
}

} // namespace softdelete::rows
