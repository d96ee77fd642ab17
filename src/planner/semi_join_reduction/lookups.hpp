// The plan that core would use in the place of a reduction: a walk along the vectors in order, which looks the other
// side up for each.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::semi_join_reduction {

// What `path` costs until it has given so many rows.
Cost CostOf(const Path* path, double rows);

// The cheapest of the paths of a join that are nested loops, in the query's order, along all rows with vectors, and
// look up rows of the other side by what they join by. Null: there is none.
const NestPath* LookupPath(const PlannerInfo* root, const RelOptInfo* joined, const RelOptInfo* vectors, double rows);

// What a row with a vector costs in it.
Cost CostOfRow(const NestPath* lookups, const RelOptInfo* vectors);

// A copy, as core lets go of paths that turn out dear. It looks at no more rows with vectors than `bound`; 0: no bound.
NestPath* CopyWithBound(PlannerInfo* root, const NestPath* lookups, const RelOptInfo* vectors, int64 bound);

}  // namespace medvec::planner::semi_join_reduction
