// Runs statements that join the two tables of a foreign key. The statement is parsed, which runs nobody's code, as the
// extension's owner, since the tables' owner may not be able to name the schema that one is in. Called by restore/ and
// ddl/check_new_links.
#include "rows/key_statement.hpp"

#include "pg/scopes.hpp"
#include "session/own_statement.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

#include <unordered_map>

namespace softdelete::rows {

namespace {

constexpr std::size_t max_kept = 200;

using Statement = std::shared_ptr<const pg::PreparedQuery>;
using Statements = std::unordered_map<std::string, Statement>; // by their text

void free_kept(const pg::PreparedQuery *statement) {
    statement->free();
    delete statement;
}

Statement prepare(pg::Spi &spi, const std::string &text, const std::vector<Oid> &types) {
    pg::OwnerScope owner(pg::get_extension_owner());
    session::OwnStatement own(text, {.reading = session::OwnReading::as_owners});
    pg::PreparedQuery statement = spi.prepare(text, types);
    statement.note_independent_of_role();
    return std::make_shared<const pg::PreparedQuery>(std::move(statement));
}

Statement keep(pg::PreparedQuery &&prepared) {
    auto statement = std::make_unique<const pg::PreparedQuery>(std::move(prepared));
    statement->keep();
    return {statement.release(), free_kept};
}

Statement prepare_kept(pg::Spi &spi, const std::string &text, const std::vector<Oid> &types) {
    pg::OwnerScope owner(pg::get_extension_owner());
    session::OwnStatement own(text, {.reading = session::OwnReading::as_owners});
    pg::PreparedQuery statement = spi.prepare_generic(text, types);
    statement.note_independent_of_role();
    return keep(std::move(statement));
}

Statement prepare_as_owner(pg::Spi &spi, const catalog::TableInfo &table, const std::string &text,
                           const std::vector<Oid> &types) {
    pg::OwnerScope owner(table.owner);
    return keep(spi.prepare_generic(text, types));
}

// Whoever runs one that goes from here meanwhile, as another command within a command's statement may make it go, has it still.
template <typename Prepare>
Statement get_kept(const std::string &text, Prepare prepare) {
    // Never freed: the server's memory may be gone when the process ends.
    static Statements *kept_statements = new Statements;
    auto found = kept_statements->find(text);
    if (found != kept_statements->end() && found->second->is_valid()) {
        return found->second;
    }
    Statement statement = prepare();
    if (kept_statements->size() == max_kept) {
        kept_statements->clear();
    }
    (*kept_statements)[text] = statement;
    return statement;
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
                           const std::vector<Oid> &types, Plan plan)
    : text_(text)
    , role_(key.child.owner)
    , statement_(plan == Plan::session ? get_kept(text, [&] { return prepare_kept(spi, text, types); })
                                       : prepare(spi, text, types)) {
    Assert(catalog::has_one_owner(key));
}

// Announced again: it is parsed anew where something has changed meanwhile.
pg::Rows KeyStatement::query(const std::vector<pg::Parameter> &parameters) const {
    pg::OwnerScope owner(role_);
    session::OwnStatement own(text_, {.reading = session::OwnReading::as_owners}, statement_->plan());
    return statement_->query(parameters);
}

void KeyStatement::execute(const std::vector<pg::Parameter> &parameters) const {
    pg::OwnerScope owner(role_);
    session::OwnStatement own(text_, {.reading = session::OwnReading::as_owners}, statement_->plan());
    statement_->execute(parameters);
}

pg::Rows read_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                  const std::vector<pg::Parameter> &parameters, Plan plan) {
    return KeyStatement(spi, key, text, get_types(parameters), plan).query(parameters);
}

void execute_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                 const std::vector<pg::Parameter> &parameters, Plan plan) {
    KeyStatement(spi, key, text, get_types(parameters), plan).execute(parameters);
}

pg::Rows read_as_owner(pg::Spi &spi, const catalog::TableInfo &table, const std::string &text,
                       const std::vector<pg::Parameter> &parameters) {
    const Statement statement =
        get_kept(text, [&] { return prepare_as_owner(spi, table, text, get_types(parameters)); });
    pg::OwnerScope owner(table.owner);
    return statement->query(parameters);
}

} // namespace softdelete::rows
