// Relations by OID: locks, ownership, and what simple views say.
#pragma once

#include "pg/boundary.hpp"

#include <string>
#include <utility>
#include <vector>

struct Query;

namespace softdelete::pg {

enum class Lock { access_share, row_share, share_update_exclusive, share_row_exclusive, access_exclusive };

// Locks the relation until the transaction ends. Raises 42P01 where it does not exist (any more).
void lock_relation(Oid relation, Lock lock);

// The same where it exists; false, and no lock, where it does not (any more).
bool lock_if_there(Oid relation, Lock lock);

// The relation's owner. Plain server code. Raises 42P01 where it does not exist.
Oid get_owner(Oid relation);

// The first of a table's partitions and inheritance children, at any depth, whose owner has not all rights of the table's owner;
// InvalidOid for none. Plain server code.
Oid find_others_member(Oid table);

// True where an error may show the current user values of the relation's rows: it may read the table, and row security
// hides none of it. Plain server code.
bool may_show_values(Oid relation);

// May the role read all of the table and lock its rows, as the check of a foreign key asks it of the owner? Plain server code.
bool may_lock_rows(Oid relation, Oid role);

// May the relation have rewrite rules? Plain server code.
bool has_rules(Oid relation);

// Has the current user the privilege on the whole relation? Raises 42P01 where that does not exist.
enum class Privilege { select, update, remove };
bool has_privilege(Oid relation, Privilege privilege);

// Do policies of the table bind the current user? Not where it is no table any more.
bool is_row_security_active(Oid relation);

// Does row security bind the relation's owner as well, once it is enabled?
bool is_row_security_forced(Oid relation);

// May the current user UPDATE a column of the relation? Raises 42P01 where that does not exist.
bool may_update_something(Oid relation);

// May the current user DELETE rows of the relation, or UPDATE a column of it?
bool may_change(Oid relation);

// True where the current user owns the relation, is a member of its owner, or is a superuser.
bool owns_relation(Oid relation);

// What a view does that reads one table by name, without anything but a condition on one of its columns.
enum class ViewCondition { none, column_is_null, column_is_not_null, function_of_column, other };

struct SimpleView {
    bool is_simple = false; // false: the rest says nothing
    Oid table = InvalidOid;
    ViewCondition condition = ViewCondition::other;
    std::string condition_column;
    Oid function = InvalidOid;
    std::vector<std::pair<std::string, std::string>> columns; // name in the view, column of the table
};

// Reads the view's rule. relation is a view.
SimpleView read_view(Oid relation);

// The same for a query that is to become a view.
SimpleView read_view_query(Query *query);

// A column of a view that reads two relations by UNION ALL, and what it shows of each: a column, cast or not, under its name of
// now, or nothing.
struct UnionColumn {
    std::string name;
    std::string first;
    std::string second;
};

// Those of such a view; none where it is another one.
std::vector<UnionColumn> read_union(Oid view, Oid first, Oid second);

// The names and paths in a library list such as shared_preload_libraries; none where it is no list, as the server has it.
std::vector<std::string> split_libraries(const std::string &list);

// True where a library list such as shared_preload_libraries names the library.
bool names_library(const std::string &list, const std::string &library);

// The libraries that the server and this session load at their start.
std::string shared_preload_libraries();
std::string session_preload_libraries();

} // namespace softdelete::pg
