// Every setting of the extension. The variables live in settings.cpp; everybody else asks here.
#pragma once

#include "pg/server.hpp"

namespace softdelete::settings {

enum class Visibility { active, deleted, all };
enum class Deletion { soft, hard };

// The value of softdelete.visibility, whoever set it; planner/visibility.hpp says whether it reaches a statement.
Visibility visibility();

// How many SECURITY DEFINER functions were under way when softdelete.visibility got its present value.
int visibility_definer_depth();

Deletion deletion();

// softdelete.actor and softdelete.reason; null where empty.
const char *actor();
const char *reason();

// softdelete.node_secret; null where empty.
const char *node_secret();

// softdelete.log_retention, in minutes; negative: the deletion log is kept for ever.
int log_retention();

// softdelete.purge_log_retention, in minutes; negative: the log of purges is kept for ever.
int purge_log_retention();

// softdelete.purge_progress: is the client told of each batch of a purge?
bool purge_progress();

// softdelete.worker_databases: names as a list of identifiers, or *; empty: no worker runs.
const char *worker_databases();

// Is the database one of those, by its name or by *? Plain server code.
bool names_worker_database(const char *database);

// softdelete.worker_delay, in milliseconds.
int worker_delay();

// softdelete.worker_interval, in seconds.
int worker_interval();

// softdelete.worker_window, as model/daily_window reads it; empty: at any time.
const char *worker_window();

// softdelete.worker_max_runtime, in seconds; 0: no limit.
int worker_max_runtime();

// softdelete.worker_recovery_delay, in seconds.
int worker_recovery_delay();

// Number of SECURITY DEFINER functions under way in this session; counted by hooks/function_hook.cpp.
int definer_depth();
void set_definer_depth(int depth);

// The value that a function's own SET clause gives reaches into that function.
void note_visibility_belongs_to_function();

// Defines the settings; called once from _PG_init.
void install();

} // namespace softdelete::settings
