// Runs statements on tables of several owners, each with its own owner's rights. The statement is parsed, which runs
// nobody's code, as the extension's owner, since the role that runs it may not be able to name all tables. A connection
// of its own frees what it made. Called by purge/.
#include "rows/owners_statement.hpp"

#include "pg/scopes.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/plancache.h"
}

namespace softdelete::rows {

pg::Rows query_as_owners(const std::string &sql, const std::vector<pg::Parameter> &parameters,
                         session::OwnTraits traits, Planning planning) {
    traits.reading = session::OwnReading::as_owners;
    pg::Spi spi;
    std::vector<Oid> types;
    for (const pg::Parameter &parameter : parameters) {
        types.push_back(OidIsValid(parameter.type()) ? parameter.type() : TEXTOID);
    }
    std::optional<pg::PreparedQuery> query;
    {
        session::OwnStatement own(sql, traits);
        pg::OwnerScope owner(pg::get_extension_owner());
        query.emplace(planning == Planning::for_any ? spi.prepare_generic(sql, types)
                                                    : spi.prepare(sql, types));
    }
    query->note_independent_of_role();
    session::OwnStatement own(sql, traits, query->plan());
    return query->query(parameters);
}

OwnersStatement::~OwnersStatement() {
    if (plan_ != nullptr) {
        SPI_freeplan(plan_);
    }
}

// After a change to one of its tables, once more: the server would parse it as the role that runs it.
void OwnersStatement::prepare(const session::OwnTraits &traits) {
    if (plan_ != nullptr && pg::call([&] { return SPI_plan_is_valid(plan_); })) {
        return;
    }
    session::OwnStatement own(sql_, traits);
    pg::OwnerScope owner(pg::get_extension_owner());
    SPIPlanPtr before = std::exchange(plan_, nullptr);
    plan_ = pg::call([&] {
        if (before != nullptr) {
            SPI_freeplan(before);
        }
        SPIPlanPtr plan = pg::prepare_plan(sql_.c_str(), static_cast<int>(types_.size()), types_.data(),
                                           CURSOR_OPT_GENERIC_PLAN);
        pg::note_independent_of_role(plan);
        SPI_keepplan(plan);
        return plan;
    });
}

std::uint64_t OwnersStatement::execute(const std::function<std::array<Datum, 2>()> &make_values,
                                       const std::function<void()> &look, session::OwnTraits traits) {
    pg::Spi spi;
    traits.reading = session::OwnReading::as_owners;
    prepare(traits);
    session::OwnStatement own(sql_, traits, plan_);
    return pg::call([&] {
        std::array<Datum, 2> values = make_values();
        (void)pg::run_plan(plan_, values.data());
        std::uint64_t processed = SPI_processed;
        look();
        return processed;
    });
}

} // namespace softdelete::rows
