// What the planner of some server versions leaves out of a path that scans an index of this access method.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

// Called when a path is made, where its cost is asked for: the one place at which an access method sees it before it
// competes with others.
//
//   - = ANY(array) on a filter column: core thinks that no order is left, and makes a path without. It gets the order.
//   - `flag`, `NOT flag`, `flag IS TRUE` and `IS FALSE` on a filter column of type boolean become conditions of an
//     ordered path.
#ifdef MEDVEC_COMPLETE_PATHS
void CompletePath(struct PlannerInfo* root, struct IndexPath* path);
#else
inline void CompletePath(struct PlannerInfo*, struct IndexPath*) {}
#endif

}  // namespace medvec::index
