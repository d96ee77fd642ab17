// The planner hook: what medvec does to finished plans.
#pragma once

namespace medvec::planner {

// Called once, when the library is loaded.
void InstallHook();

}  // namespace medvec::planner
