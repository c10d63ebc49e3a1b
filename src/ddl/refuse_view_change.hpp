// The views of a registered table keep their place and their meaning.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before SET SCHEMA of a view, and RENAME COLUMN: refuses it for a registered table's views. Errors: 55000.
void refuse_view_move(const DdlCommand &command);

// Before DROP VIEW of a view that register() made, and before what makes it another view: its query by a rule, its
// security_invoker off. Errors: 2BP01, 55000.
void refuse_view_drop(const DdlCommand &command);

// After CREATE OR REPLACE VIEW: refuses another meaning for one of them, and puts security_invoker back, which the
// statement loses. Errors: 55000.
void refuse_view_change(const DdlCommand &command);

// The same of the views of a table with an archive: before the command, where it drops, moves or renames one or changes its
// options, and after it, where it has replaced one. Nothing follows a new name of such a view.
void refuse_archived_view_change(const DdlCommand &command);
void refuse_archived_view_replacement(const DdlCommand &command);

} // namespace softdelete::ddl
