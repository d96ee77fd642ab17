// Starting the embedder's supervisor from a backend.
#pragma once

namespace medvec::embed {

// Asks the postmaster for the background worker; false where max_worker_processes leaves no room. Harmless where one
// runs already: the second ends at once.
bool LaunchSupervisor();

}  // namespace medvec::embed
