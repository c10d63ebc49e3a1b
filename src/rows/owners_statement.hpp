// Statements on tables of several owners: each is read, locked or changed with its own owner's rights, as the server's
// referential checks do it, whoever runs the statement. Its functions and triggers run as the current role.
#pragma once

#include "pg/spi.hpp"
#include "session/own_statement.hpp"

#include <array>
#include <functional>

namespace softdelete::rows {

// for_any: without a look at the parameters. With one, the planner takes ten thousand positions for dearer than the whole table.
enum class Planning { by_values, for_any };

// Runs a statement with text parameters and returns its rows. traits: what else it is as one of ours.
pg::Rows query_as_owners(const std::string &sql, const std::vector<pg::Parameter> &parameters,
                         session::OwnTraits traits = {}, Planning planning = Planning::by_values);

// One that is parsed and planned once, to run in many transactions. It is planned without a look at the values: a list of
// ten thousand positions is as good as any other.
class OwnersStatement {
public:
    OwnersStatement(std::string sql, std::vector<Oid> types)
        : sql_(std::move(sql))
        , types_(std::move(types)) {}

    ~OwnersStatement();
    OwnersStatement(const OwnersStatement &) = delete;
    OwnersStatement &operator=(const OwnersStatement &) = delete;

    const std::string &sql() const { return sql_; }

    // Runs it with values that are made once it is parsed, and then looks at what SPI has left. Both callbacks are plain
    // server code. Returns how many rows it processed.
    std::uint64_t execute(
        const std::function<std::array<Datum, 2>()> &make_values, const std::function<void()> &look = [] {},
        session::OwnTraits traits = {});

private:
    void prepare(const session::OwnTraits &traits);

    const std::string sql_;
    std::vector<Oid> types_;
    _SPI_plan *plan_ = nullptr;
};

} // namespace softdelete::rows
