// Statements that join the two tables of a foreign key where one role owns both. The server's own checks read one table per
// statement, as its owner; these join, as that owner and past policies. Where the tables belong to two owners there is
// rows/follow_links. And statements on one table that are kept likewise.
#pragma once

#include "catalog/foreign_keys.hpp"

#include <memory>
#include <string>

namespace softdelete::rows {

// once: parsed for the connection; the server looks at the parameters. session: kept, and planned once for all parameters, so
// that they are to be few rows; the text must be the same each time.
enum class Plan { once, session };

class KeyStatement {
public:
    // Parses it where it is not kept, for parameters of these types.
    KeyStatement(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                 const std::vector<Oid> &types, Plan plan = Plan::once);

    pg::Rows query(const std::vector<pg::Parameter> &parameters) const;
    void execute(const std::vector<pg::Parameter> &parameters) const;

private:
    std::string text_;
    Oid role_;
    std::shared_ptr<const pg::PreparedQuery> statement_; // this one runs, even where it is no longer kept
};

// For a statement that runs once.
pg::Rows read_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                  const std::vector<pg::Parameter> &parameters, Plan plan = Plan::once);
void execute_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                 const std::vector<pg::Parameter> &parameters, Plan plan = Plan::once);

// A SELECT from one table, run as its owner under the policies that bind him. Kept as Plan::session says.
pg::Rows read_as_owner(pg::Spi &spi, const catalog::TableInfo &table, const std::string &text,
                       const std::vector<pg::Parameter> &parameters);

} // namespace softdelete::rows
