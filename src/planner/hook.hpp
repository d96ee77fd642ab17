// The planner's hooks: paths that medvec adds, and what it does to finished plans.
#pragma once

namespace medvec::planner {

// Called once, when the library is loaded.
void InstallHooks();

}  // namespace medvec::planner
