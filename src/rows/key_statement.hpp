// Statements that join the two tables of a foreign key. The server's own checks read one table per statement, as its
// owner; ours join, and still ask of nobody more than that: each table is read with the rights of its owner and past
// policies, as the server reads it, by one statement whose text is ours, while the role that runs it is the child's owner.
#pragma once

#include "catalog/foreign_keys.hpp"

#include <string>

namespace softdelete::rows {

class KeyStatement {
public:
    // Parses it, for parameters of these types.
    KeyStatement(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                 const std::vector<Oid> &types);

    std::vector<pg::Row> query(const std::vector<pg::Parameter> &parameters) const;
    void execute(const std::vector<pg::Parameter> &parameters) const;

private:
    std::string text_;
    Oid role_;
    pg::PreparedQuery statement_;
};

// For a statement that runs once.
std::vector<pg::Row> read_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                              const std::vector<pg::Parameter> &parameters);
void execute_key(pg::Spi &spi, const catalog::ForeignKey &key, const std::string &text,
                 const std::vector<pg::Parameter> &parameters);

} // namespace softdelete::rows
