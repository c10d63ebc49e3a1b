// The server's hooks that the extension takes. Each file recognizes and dispatches; what is done stands elsewhere.
#pragma once

namespace softdelete::hooks {

void install_parse_hook();
void install_planner_hook();
void install_relation_info_hook();
void install_executor_hook();
void install_utility_hook();
void install_function_hook();
void install_transaction_callbacks();

// Puts the hints for errors of the server in force, where they are not: when the library is loaded, and at the end of each
// transaction.
void keep_error_hints() noexcept;

} // namespace softdelete::hooks
