// Paths of a relation that find the rows within a distance, `WHERE v <-> q < r`, by an hnsw index.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::range_search {

// For get_relation_info_hook: an hnsw index makes bitmaps of ranges alone. Core would have it make others, of a path
// that gives an order.
void ForbidBitmaps(RelOptInfo* rel);
// For set_rel_pathlist_hook.
void AddPaths(PlannerInfo* root, RelOptInfo* rel, const RangeTblEntry* entry);

}  // namespace medvec::planner::range_search
