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

// The distance by which it orders the rows with vectors; null: it is not known.
OpExpr* DistanceOf(const NestPath* lookups, const RelOptInfo* vectors);

// How many rows with vectors it looks at.
struct LookupBound {
  double most;    // 0: no bound
  double likely;  // so many or fewer
  double each;    // for one that is wanted
};
// A copy, as core lets go of paths that turn out dear, with a bound. Rows with vectors then come by their bounds
// (filtered_scan::BoundedScan) unless the scan ends at a distance.
NestPath* CopyWithBound(PlannerInfo* root, const NestPath* lookups, const RelOptInfo* vectors,
                        const LookupBound& bound);

}  // namespace medvec::planner::semi_join_reduction
