// From rows to the rows that a deletion took below them, level by level: for restores of trees of any depth and width, in a
// time that grows with the rows, whatever the statistics say.
#pragma once

#include "rows/key_statement.hpp"
#include "rows/row_set.hpp"

#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace softdelete::restore {

// restorable: what the deletion took, locked FOR UPDATE. with_anonymized: the same with what was anonymized since. taken:
// the same, not locked.
enum class Children { restorable, with_anonymized, taken };

// Keeps its statements: a deep tree asks them once per level.
class ChildFinder {
public:
    ChildFinder(pg::Spi &spi, std::string deletion) : spi_(spi), deletion_(std::move(deletion)) {}

    // The children of these parents by the key. Both tables are registered.
    std::vector<rows::RowId> find(const catalog::ForeignKey &key, const rows::RowSet &parents,
                                  Children children);

private:
    enum class Parents { one, many };

    const rows::KeyStatement &get_statement(const catalog::ForeignKey &key, Parents parents,
                                            Children children);
    std::string make_query(const catalog::ForeignKey &key, Parents parents, Children children);

    pg::Spi &spi_;
    std::string deletion_;
    std::map<std::tuple<Oid, Parents, Children>, rows::KeyStatement> statements_; // by foreign key
};

} // namespace softdelete::restore
