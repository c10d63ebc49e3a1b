// Walks the foreign keys down through unregistered tables.
#include "commands/purge_blockers.hpp"

#include <boost/format.hpp>

#include <algorithm>

namespace softdelete::commands {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;

bool was_visited(const std::vector<ForeignKey> &chain, Oid child) {
    return std::any_of(chain.begin(), chain.end(),
                       [&](const ForeignKey &key) { return key.child.relation == child; });
}

void visit(pg::Spi &spi, Oid relation, std::vector<ForeignKey> &chain, std::vector<Blocker> &blockers) {
    for (const ForeignKey &key : catalog::find_referencing_keys(spi, relation)) {
        if (!catalog::binds(key.on_delete)) {
            continue;
        }
        bool is_passed = !key.child.is_registered && key.on_delete == OnDelete::cascade;
        if (is_passed && was_visited(chain, key.child.relation)) {
            continue;
        }
        chain.push_back(key);
        if (is_passed) {
            visit(spi, key.child.relation, chain, blockers);
        } else {
            blockers.push_back({chain});
        }
        chain.pop_back();
    }
}

// Filtered tables show their deleted rows too.
std::string make_condition(const ForeignKey &key) {
    std::string all = key.child.is_registered
                          ? "softdelete.include_deleted(c." + key.child.deleted_at + ") AND "
                          : std::string();
    return all + key.link;
}

} // namespace

std::string Blocker::title() const {
    return (boost::format("%1% of %2%") % last().name % last().child.name).str();
}

std::vector<Blocker> find_blockers(pg::Spi &spi, Oid relation) {
    std::vector<Blocker> blockers;
    std::vector<ForeignKey> chain;
    visit(spi, relation, chain, blockers);
    return blockers;
}

std::string make_reference(const Blocker &blocker, const std::string &condition) {
    std::string sql = condition;
    for (std::size_t i = blocker.chain.size(); i-- > 0;) {
        // The row above is "p"; further down that is the "c" of the level above.
        const ForeignKey &key = blocker.chain[i];
        const char *form = i == 0 ? "EXISTS (SELECT FROM %1% AS c WHERE %2%%3%)"
                                  : " AND EXISTS (SELECT FROM (SELECT c.*) AS p, %1% AS c WHERE %2%%3%)";
        sql = (boost::format(form) % key.child.key_rows() % make_condition(key) % sql).str();
    }
    return sql;
}

std::string make_unreferenced(const std::vector<Blocker> &blockers) {
    std::string sql;
    for (const Blocker &blocker : blockers) {
        sql += " AND NOT " + make_reference(blocker);
    }
    return sql;
}

} // namespace softdelete::commands
