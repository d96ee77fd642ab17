// The path "HNSW Filtered Scan": rows of a table in the order of their distance, of those that meet conditions which
// the hnsw index does not answer, with the bitmaps of other indexes where there are any.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::filtered_scan {

// For each base relation, after core's paths. Does nothing, at once, unless the query is ordered by one expression and
// the table has an hnsw index and a condition. Core's ordered scans of hnsw indexes that leave conditions to a filter
// above them are taken out: such a scan finds what a beam for rows of all kinds finds.
void AddPath(PlannerInfo* root, RelOptInfo* rel, const RangeTblEntry* entry);

// The distance by which a path by an hnsw index alone, or one of ours, orders its rows; null for other paths.
OpExpr* DistanceOf(const Path* path);

// A copy of a path in the query's order, by an hnsw index alone or of ours, for BoundedScan: its reader is expected to
// take so many rows, having looked at `looked_at` for each. Null: it is no such path, or ends at a distance.
CustomPath* ByBounds(const PlannerInfo* root, const Path* path, double rows, double looked_at);

}  // namespace medvec::planner::filtered_scan
