// The path "HNSW Filtered Scan": rows of a table in the order of their distance, of those that the bitmaps of other
// indexes let pass.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::filtered_scan {

// For each base relation, after core's paths. Does nothing, at once, unless the query is ordered by one expression and
// the table has an hnsw index, another index, and a condition.
void AddPath(PlannerInfo* root, RelOptInfo* rel, const RangeTblEntry* entry);

}  // namespace medvec::planner::filtered_scan
