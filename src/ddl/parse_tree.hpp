// What the parse trees of DDL say, for those who follow it.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

#include <string>

namespace softdelete::ddl {

// A command at one of its event triggers: what was parsed, and the relation that it is about, looked up once.
struct DdlCommand {
    Node *node;
    // The table, view or index that the command names as its own; InvalidOid where it names none or there is none. Others,
    // such as a partition or what DROP lists, are looked up by those who need them.
    Oid relation;
};

// Looks the name up, and takes no lock. Plain server code.
DdlCommand read_command(Node *node);

// The relation that a statement names, not locked; InvalidOid where there is none. Plain server code.
Oid find_relation(const RangeVar *name);

// What CREATE TABLE and CREATE FOREIGN TABLE have in common; null for any other command.
const CreateStmt *get_create(const Node *node);

// Renames the statement a column of a table or view, or an attribute of a type, which is a column of the tables made of it?
bool renames_column(const Node *node);

// Makes the command a table a partition or child of another, or ends that?
bool is_move(const AlterTableCmd *command);

// The foreign key that the command adds; null where it adds none.
const Constraint *get_added_key(const AlterTableCmd *command);

// Names of columns as catalog::ForeignKey::child_columns has them: quoted, with commas.
std::string join_columns(const List *names);

} // namespace softdelete::ddl
