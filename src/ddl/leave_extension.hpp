// DROP EXTENSION leaves tables, columns, indexes and views in place.
#pragma once

namespace softdelete::ddl {

// Takes the extension's function out of the all_... views of registered tables, so that they stay behind as plain views,
// and warns that deleted rows are visible again. Called before the extension is dropped.
void leave_views();

} // namespace softdelete::ddl
