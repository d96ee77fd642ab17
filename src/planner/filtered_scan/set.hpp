// The set of rows that other indexes know to meet their conditions.
#pragma once

#include "index/tid_set.hpp"
#include "pg/executor.hpp"

namespace medvec::planner::filtered_scan {

// By a bitmap's nodes; in the current memory context.
index::TidSet* MakeSet(PlanState* bitmap);

}  // namespace medvec::planner::filtered_scan
