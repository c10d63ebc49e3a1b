// CREATE TABLE (LIKE ... INCLUDING COMMENTS) copies the comments by which register() knows what softdelete added: they are
// taken off the copy, whose columns and indexes are its owner's. The event trigger on ddl_command_end calls it.
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::ddl {

// Nothing for any other command. Plain server code.
void clear_copied_marks(const DdlCommand &command);

} // namespace softdelete::ddl
