// Paths of a relation that find the rows within a distance, `WHERE v <-> q < r`, by an hnsw index.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::range_search {

// For set_rel_pathlist_hook.
void AddPaths(PlannerInfo* root, RelOptInfo* rel, const RangeTblEntry* entry);

}  // namespace medvec::planner::range_search
