// The background workers: a launcher for the server, and from it one purge worker per database that has rows due.
#pragma once

namespace softdelete::worker {

// Registers the launcher. Only while shared_preload_libraries is processed: elsewhere no worker can be registered, and
// it does nothing.
void install_launcher();

} // namespace softdelete::worker
