// Statements that join the two tables of a foreign key where one role owns both. The server's own checks read one table per
// statement, as its owner; these join, as that owner and past policies. Where the tables belong to two owners there is
// rows/follow_links.
#pragma once

#include "catalog/foreign_keys.hpp"

#include <string>

namespace softdelete::rows {

class KeyStatement {
public:
    // Parses it, for parameters of these types.
    KeyStatement(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                 const std::vector<Oid> &types);

    pg::Rows query(const std::vector<pg::Parameter> &parameters) const;
    void execute(const std::vector<pg::Parameter> &parameters) const;

private:
    std::string text_;
    Oid role_;
    pg::PreparedQuery statement_;
};

// For a statement that runs once.
pg::Rows read_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                  const std::vector<pg::Parameter> &parameters);
void execute_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                 const std::vector<pg::Parameter> &parameters);

} // namespace softdelete::rows
