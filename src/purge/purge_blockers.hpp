// What keeps a due row from being removed: rows that reference it and stay.
#pragma once

#include "catalog/foreign_keys.hpp"

#include <string>
#include <vector>

namespace softdelete::purge {

// From the table downward: a foreign key of a registered table, or of any table that refuses; between them CASCADE keys
// of unregistered tables, whose rows go with the row natively. SET NULL and SET DEFAULT keep nothing.
struct Blocker {
    std::vector<catalog::ForeignKey> chain; // from the table to the key that keeps
    // Where unregistered tables lead back to themselves, the chain is the last key alone, and these are the CASCADE keys
    // that lead into unregistered tables and from one of them to another, any number of times.
    std::vector<catalog::ForeignKey> entries = {};
    std::vector<catalog::ForeignKey> passages = {};

    const catalog::ForeignKey &last() const { return chain.back(); }

    const catalog::TableInfo &child() const { return chain.back().child; }

    // The table whose rows are kept: the registered one, or one that inherits from it.
    const catalog::TableInfo &parent() const {
        return entries.empty() ? chain.front().parent : entries.front().parent;
    }

    // Does the child itself reference the table, with no unregistered table between them?
    bool is_direct() const { return chain.size() == 1 && entries.empty(); }

    // As the log names it: "orders_customer_id_fkey" of public.orders.
    std::string title() const;
};

std::vector<Blocker> find_blockers(pg::Spi &spi, Oid relation);

// SQL: a row stays that references the row "p" through the blocker. condition restricts the referencing rows, which are
// called "c"; it begins with " AND " or is empty.
std::string make_reference(const Blocker &blocker, const std::string &condition = "");

// SQL: the same, looked up for each row "p", never joined: what statistics say of the tables does not matter.
std::string look_up_reference(const Blocker &blocker);

// SQL: a query for tableoid and ctid of the rows of the blocker's child that keep the row "p".
std::string make_referencing_rows(const Blocker &blocker);

// SQL: all conditions of the blockers hold of "p": nothing references it. Begins with " AND " or is empty.
std::string make_unreferenced(const std::vector<Blocker> &blockers);

} // namespace softdelete::purge
