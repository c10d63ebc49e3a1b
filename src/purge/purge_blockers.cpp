// Finds what can keep a due row: the foreign keys to its table, down through unregistered CASCADE tables, and the SQL
// that asks them. Called by the files that remove rows and by the preview.
#include "purge/purge_blockers.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::purge {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;

// Rows that a purge takes along: those of unregistered tables, and what lies below them in tables with an archive, where they
// go. Directly below a deleted row such a table has a live row only where that was deleted before it could follow.
bool is_passage(const ForeignKey &key) {
    return !key.child.is_registered && !(key.child.archive && key.parent.is_registered)
           && key.on_delete == OnDelete::cascade;
}

// From a table downward; unregistered tables that lead back to themselves are met once per chain.
class Walk {
public:
    Walk(pg::Spi &spi, Oid relation) { visit(spi, relation); }

    std::vector<Blocker> take_blockers() { return is_circular_ ? make_circular() : std::move(blockers_); }

private:
    void visit(pg::Spi &spi, Oid relation) {
        for (const ForeignKey &key : catalog::find_referencing_keys(spi, relation)) {
            if (!catalog::binds(key.on_delete)) {
                continue;
            }
            if (is_passage(key) && was_visited(key.child.relation)) {
                is_circular_ = true;
                add(passages_, key);
                continue;
            }
            if (is_passage(key)) {
                add(chain_.empty() ? entries_ : passages_, key);
            }
            chain_.push_back(key);
            if (is_passage(key)) {
                visit(spi, key.child.relation);
            } else {
                blockers_.push_back({chain_});
            }
            chain_.pop_back();
        }
    }

    bool was_visited(Oid child) const {
        return std::any_of(chain_.begin(), chain_.end(),
                           [&](const ForeignKey &key) { return key.child.relation == child; });
    }

    static void add(std::vector<ForeignKey> &keys, const ForeignKey &key) {
        if (std::none_of(keys.begin(), keys.end(),
                         [&](const ForeignKey &known) { return known.constraint == key.constraint; })) {
            keys.push_back(key);
        }
    }

    std::vector<Blocker> make_circular() const {
        std::vector<Blocker> blockers;
        std::vector<ForeignKey> exits;
        for (const Blocker &blocker : blockers_) {
            if (blocker.is_direct()) {
                blockers.push_back(blocker);
            } else {
                add(exits, blocker.last());
            }
        }
        for (const ForeignKey &exit : exits) {
            blockers.push_back({{exit}, entries_, passages_});
        }
        return blockers;
    }

    std::vector<ForeignKey> chain_;
    std::vector<Blocker> blockers_;
    std::vector<ForeignKey> entries_;
    std::vector<ForeignKey> passages_;
    bool is_circular_ = false;
};

// Filtered tables show their deleted rows too.
std::string make_condition(const ForeignKey &key) {
    std::string all = key.child.is_registered
                          ? "softdelete.include_deleted(c." + key.child.deleted_at + ") AND "
                          : std::string();
    return all + key.link;
}

// Rows of unregistered tables that go with the row "p", as "below (relation, position)".
std::string make_passed_rows(const Blocker &blocker) {
    std::string entries;
    for (const ForeignKey &key : blocker.entries) {
        entries += sqltext::format("%1%SELECT c.tableoid, c.ctid FROM %2% AS c WHERE %3%",
                                   (entries.empty() ? "" : " UNION ALL "), key.child.key_rows(), key.link);
    }
    std::string passages;
    for (const ForeignKey &key : blocker.passages) {
        passages += sqltext::format("%1%SELECT c.tableoid, c.ctid FROM %2% AS p, %3% AS c WHERE p.tableoid = "
                                    "b.relation AND p.ctid = b.position AND %4%",
                                    (passages.empty() ? "" : " UNION ALL "), key.parent.key_rows(),
                                    key.child.key_rows(), key.link);
    }
    return sqltext::format(
        "WITH RECURSIVE below (relation, position) AS (%1% UNION SELECT n.* FROM below AS b, "
        "LATERAL (%2%) AS n)",
        entries, passages);
}

// What the last key of such a blocker finds below these rows; columns of the referencing row "c".
std::string make_circular_query(const Blocker &blocker, const std::string &columns,
                                const std::string &condition) {
    return sqltext::format(
        "%1% SELECT %2% FROM below AS b, %3% AS p, %4% AS c WHERE p.tableoid = b.relation AND "
        "p.ctid = b.position AND %5%%6%",
        make_passed_rows(blocker), columns, blocker.last().parent.key_rows(), blocker.last().child.key_rows(),
        make_condition(blocker.last()), condition);
}

// SQL: the rows that keep the row "p" through the blocker and meet the condition.
std::string make_search(const Blocker &blocker, const std::string &condition) {
    if (!blocker.entries.empty()) {
        return make_circular_query(blocker, "", condition);
    }
    std::string sql = condition;
    for (std::size_t i = blocker.chain.size(); i-- > 0;) {
        // The row above is "p"; further down that is the "c" of the level above.
        const ForeignKey &key = blocker.chain[i];
        const sqltext::Pattern form =
            i == 0 ? sqltext::Pattern("SELECT FROM %1% AS c WHERE %2%%3%")
                   : sqltext::Pattern(
                       " AND EXISTS (SELECT FROM (SELECT c.tableoid, c.*) AS p, %1% AS c WHERE %2%%3%)");
        sql = sqltext::format(form, key.child.key_rows(), make_condition(key), sql);
    }
    return sql;
}

} // namespace

std::string Blocker::title() const {
    return sqltext::format("%1% of %2%", last().name, last().child.name);
}

std::vector<Blocker> find_blockers(pg::Spi &spi, Oid relation) {
    return Walk(spi, relation).take_blockers();
}

std::string make_reference(const Blocker &blocker, const std::string &condition) {
    return "EXISTS (" + make_search(blocker, condition) + ")";
}

std::string look_up_reference(const Blocker &blocker) {
    return "EXISTS (" + make_search(blocker, "") + " OFFSET 0)";
}

std::string make_referencing_rows(const Blocker &blocker) {
    if (!blocker.entries.empty()) {
        return make_circular_query(blocker, "c.tableoid, c.ctid", "");
    }
    const ForeignKey &last = blocker.last();
    std::string sql = sqltext::format("SELECT c.tableoid, c.ctid FROM %1% AS c WHERE %2%",
                                      last.child.key_rows(), make_condition(last));
    for (std::size_t i = blocker.chain.size() - 1; i-- > 0;) {
        const ForeignKey &key = blocker.chain[i];
        // Within the first subquery "p" is still the row above.
        sql = sqltext::format("SELECT n.* FROM LATERAL (SELECT c.tableoid, c.* FROM %1% AS c WHERE %3%) AS "
                              "p, LATERAL (%2%) AS n",
                              key.child.key_rows(), sql, make_condition(key));
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

} // namespace softdelete::purge
