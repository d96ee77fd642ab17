// When a plan may have an "HNSW Semi-Join Reduction", and what it costs.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::semi_join_reduction {

// Called for each pair of relations that core joins, with core's paths in place.
void AddPath(PlannerInfo* root, RelOptInfo* joined, RelOptInfo* outer, RelOptInfo* inner, JoinType type,
             JoinPathExtraData* extra);

}  // namespace medvec::planner::semi_join_reduction
