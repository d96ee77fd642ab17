// Paths that scan an index of this access method: what limits them, and what the planner of some server versions leaves
// out of them.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

// The path's condition `v <<-> ROW(q, r)` where it limits the scan: without an order, or if q is the order's too. Null:
// there is none.
const RestrictInfo* RangeOf(const struct IndexPath* path);

// Whether there are conditions on the table beyond those that the path's index answers.
bool HasUnseenFilter(const struct IndexPath* path);

// Called when a path is made, where its cost is asked for: the one place at which an access method sees it before it
// competes with others. A path with an order or a range gets as conditions on filter columns, too,
//
//   - = ANY(array) and the like, for which core (before 17) makes a path that has no order;
//   - `flag`, `NOT flag`, `flag IS TRUE` and `IS FALSE` of a boolean column, which core (before 16) knows of its own
//     access methods alone.
#ifdef MEDVEC_COMPLETE_PATHS
void CompletePath(struct PlannerInfo* root, struct IndexPath* path);
#else
inline void CompletePath(struct PlannerInfo*, struct IndexPath*) {}
#endif

}  // namespace medvec::index
