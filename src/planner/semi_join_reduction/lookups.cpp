#include "planner/semi_join_reduction/lookups.hpp"

#include <algorithm>

#include "planner/filtered_scan/path.hpp"
#include "planner/index_planning.hpp"

namespace medvec::planner::semi_join_reduction {

namespace {

const NestPath* AsLoop(const Path* path) {
  return IsA(path, NestPath) ? reinterpret_cast<const NestPath*>(path) : nullptr;
}

// What a chain of look-ups begins with; null: it is no such chain. A loop that reads all of its other side for each row
// is none: its price depends on how large that turns out.
const Path* Driver(const Path* path, const RelOptInfo* vectors) {
  while (path->parent != vectors) {
    const NestPath* loop = AsLoop(path);
    if (loop == nullptr || loop->jpath.innerjoinpath->param_info == nullptr) return nullptr;
    path = loop->jpath.outerjoinpath;
  }
  return path;
}

}  // namespace

Cost CostOf(const Path* path, double rows) {
  return path->startup_cost + (path->total_cost - path->startup_cost) * std::min(1.0, rows / std::max(1.0, path->rows));
}

const NestPath* LookupPath(const PlannerInfo* root, const RelOptInfo* joined, const RelOptInfo* vectors, double rows) {
  const Path* best = nullptr;
  ListCell* cell;
  foreach (cell, joined->pathlist) {
    const Path* path = static_cast<Path*>(lfirst(cell));
    if (AsLoop(path) == nullptr || !IsOrdered(root, path) || Driver(path, vectors) == nullptr) continue;
    if (best == nullptr || CostOf(path, rows) < CostOf(best, rows)) best = path;
  }
  return best == nullptr ? nullptr : AsLoop(best);
}

Cost CostOfRow(const NestPath* lookups, const RelOptInfo* vectors) {
  const Path& path = lookups->jpath.path;
  return (path.total_cost - path.startup_cost) / std::max(1.0, Driver(&path, vectors)->rows);
}

OpExpr* DistanceOf(const NestPath* lookups, const RelOptInfo* vectors) {
  return filtered_scan::DistanceOf(Driver(&lookups->jpath.path, vectors));
}

NestPath* CopyWithBound(PlannerInfo* root, const NestPath* lookups, const RelOptInfo* vectors,
                        const LookupBound& bound) {
  NestPath* copy = makeNode(NestPath);
  *copy = *lookups;
  Path *&outer = copy->jpath.outerjoinpath, *&inner = copy->jpath.innerjoinpath;
  // Core would remember what it looked up for all rows with vectors. Of so few hardly two ask for the same.
  if (bound.most > 0 && IsA(inner, MemoizePath)) {
    const MemoizePath* memoize = reinterpret_cast<const MemoizePath*>(inner);
    if (memoize->est_entries == 0 || memoize->est_entries >= bound.likely) inner = memoize->subpath;
  }
  if (const NestPath* loop = outer->parent == vectors ? nullptr : AsLoop(outer)) {
    outer = &CopyWithBound(root, loop, vectors, bound)->jpath.path;
  } else if (bound.most > 0) {
    if (CustomPath* scan = filtered_scan::ByBounds(root, outer, bound.likely, bound.each)) {
      outer = &scan->path;
    } else {
      const int64 most = static_cast<int64>(bound.most);
      Node* count =
          reinterpret_cast<Node*>(makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(most), false, true));
      outer = reinterpret_cast<Path*>(
          create_limit_path(root, outer->parent, outer, nullptr, count, LIMIT_OPTION_COUNT, 0, most));
    }
  }
  return copy;
}

}  // namespace medvec::planner::semi_join_reduction
