// Distances that a plan would compute for nobody.
//
// `SELECT id FROM t ORDER BY v <-> $1 LIMIT 10` by an ordered index scan needs no `v <-> $1`: the index gives the
// order. Core keeps the ordering expression as a column of the plan that the client does not see, and the executor
// computes it, and reads v from the TOAST table for it, for each row returned. In the finished plan we put a null
// constant there.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner {

// Changes `stmt` in place; what it allocates lives in the current context, as the plan does.
void HideDistances(PlannedStmt* stmt);

}  // namespace medvec::planner
