#include "planner/filtered_scan/path.hpp"

#include <algorithm>

#include "index/cost.hpp"
#include "index/handler.hpp"
#include "index/options.hpp"
#include "index/path.hpp"
#include "index/prices.hpp"
#include "planner/custom_node.hpp"
#include "planner/filtered_scan/node.hpp"
#include "planner/index_planning.hpp"

namespace medvec::planner::filtered_scan {

namespace {

// The cheapest path by which an hnsw index alone gives the query's order, with conditions on its filter columns.
IndexPath* OrderedPath(PlannerInfo* root, const RelOptInfo* rel, const List* hnsw_indexes) {
  RelOptInfo* copy = CopyWithoutJoins(rel, hnsw_indexes);
  create_index_paths(root, copy);
  IndexPath* best = nullptr;
  ListCell* cell;
  foreach (cell, copy->pathlist) {
    Path* path = static_cast<Path*>(lfirst(cell));
    if (!IsA(path, IndexPath) || !IsOrdered(root, path)) continue;
    IndexPath* ordered = reinterpret_cast<IndexPath*>(path);
    if (list_length(ordered->indexorderbys) != 1) continue;
    if (best == nullptr || path->startup_cost < best->path.startup_cost) best = ordered;
  }
  return best;
}

// The bitmap heap scan core would choose by the other indexes.
BitmapHeapPath* BitmapPath(PlannerInfo* root, const RelOptInfo* rel, const List* other_indexes) {
  RelOptInfo* copy = CopyWithoutJoins(rel, other_indexes);
  ListCell* cell;
  // Else the index scans would push out bitmap scans.
  foreach (cell, copy->indexlist) lfirst_node(IndexOptInfo, cell)->amhasgettuple = false;
  create_index_paths(root, copy);
  foreach (cell, copy->pathlist) {
    Path* path = static_cast<Path*>(lfirst(cell));
    if (IsA(path, BitmapHeapPath) && path->param_info == nullptr) return reinterpret_cast<BitmapHeapPath*>(path);
  }
  return nullptr;
}

// Reading the rows of a bitmap one by one, and making a heap of them. As for the index, what fits in the cache is taken
// to be there, which core does not take it to be.
Cost TableCost(const RelOptInfo* rel, const index::VisitCost& cost, const OpExpr* measure, double set_rows) {
  const double pages = std::max(1.0, static_cast<double>(rel->pages));
  const double uncached = 1 - std::min(1.0, effective_cache_size / pages);
  double random_page, sequential_page;
  get_tablespace_page_costs(rel->reltablespace, &random_page, &sequential_page);
  QualCost distance;
  cost_qual_eval_node(&distance, reinterpret_cast<Node*>(const_cast<OpExpr*>(measure)), nullptr);
  const double visits =
      index::prices::kInlineRow * set_rows + (cost.TableRow() - index::prices::kInlineRow) * rel->rows;
  return rel->baserestrictcost.startup + distance.startup + std::min(pages, set_rows) * uncached * random_page +
         visits * index::VisitCost::Arithmetic() + set_rows * rel->baserestrictcost.per_tuple +
         rel->rows * distance.per_tuple + 2 * cpu_operator_cost * rel->rows;
}

// What core adds to an index scan for the rows that it returns, each from a page of its own. We do as it does, so that
// its paths and ours compete by what differs.
Cost ReturnCost(PlannerInfo* root, const RelOptInfo* rel, const IndexPath* ordered) {
  double random_page, sequential_page;
  get_tablespace_page_costs(rel->reltablespace, &random_page, &sequential_page);
  return index_pages_fetched(rel->rows, rel->pages, ordered->indexinfo->pages, root) * random_page +
         cpu_tuple_cost * rel->rows;
}

// Share of rows that meet the conditions on filter columns of the index.
double KeyShare(const IndexPath* ordered) { return ordered->indexclauses == NIL ? 1 : ordered->indexselectivity; }

// Of a walk that asks the rows of the nodes it visits.
Cost AskingCost(const index::VisitCost& cost, const RelOptInfo* rel, const IndexPath* ordered, double limit) {
  return cost.Walk(rel->rows, limit) * cost.AskingVisit(KeyShare(ordered), rel->baserestrictcost.per_tuple);
}

// Of fetching rows one after the other, of which so many may meet the conditions, until as many do as are wanted.
Cost AskedCost(const RelOptInfo* rel, double rows, double limit) {
  const double asked = rows * std::min(1.0, std::max(1.0, limit) / std::max(1.0, rel->rows));
  return asked * (index::prices::kFetch * index::VisitCost::Arithmetic() + rel->baserestrictcost.per_tuple);
}

// As the scan will choose, by estimates (scan.cpp). The set is read in the end if all rows are wanted.
void SetCosts(PlannerInfo* root, CustomPath* path, const RelOptInfo* rel, const IndexPath* ordered,
              const BitmapHeapPath* bitmap, double limit) {
  // Visits for as much as it costs to begin, beyond what a bitmap heap scan does.
  constexpr double kBegin = 8;
  // That a bitmap heap scan reads all rows, were they more than expected, is no part of the price that core sets.
  constexpr double kWithoutRisk = 0.95;
  Cost bitmap_cost;
  Selectivity share;
  cost_bitmap_tree_node(bitmap->bitmapqual, &bitmap_cost, &share);
  const double set_rows = clamp_row_est(share * rel->tuples);
  const double matches = std::max(rel->rows, set_rows * ordered->indexselectivity);
  const index::VisitCost cost(*ordered->indexinfo);
  const Cost begin = kBegin * index::VisitCost::Arithmetic();
  const Cost table = bitmap_cost + TableCost(rel, cost, linitial_node(OpExpr, ordered->indexorderbys), set_rows);
  const Cost search = bitmap_cost + AskedCost(rel, matches, limit) +
                      std::min(cost.Walk(rel->rows, limit), cost.Matches(matches, true)) * cost.visit();
  path->path.startup_cost = begin + std::min({AskingCost(cost, rel, ordered, limit), search, table});
  path->path.total_cost = begin + table + ReturnCost(root, rel, ordered);
  // A LIMIT that takes more rows than are expected: they are read in the order of the table.
  if (limit >= rel->rows && limit < index::kAllRows)
    path->path.total_cost =
        std::max(path->path.startup_cost, begin + table - bitmap_cost + kWithoutRisk * bitmap->path.total_cost);
}

// The same without a bitmap: rows are asked where the walk comes by, or one by one in the order of distance. For all
// rows it is better to sort.
void SetCosts(PlannerInfo* root, CustomPath* path, const RelOptInfo* rel, const IndexPath* ordered, double limit) {
  const index::VisitCost cost(*ordered->indexinfo);
  const double matches = cost.nodes() * KeyShare(ordered);
  const Cost whole = cost.Matches(matches) * cost.visit() + AskedCost(rel, matches, limit);
  path->path.startup_cost = rel->baserestrictcost.startup + std::min(AskingCost(cost, rel, ordered, limit), whole);
  path->path.total_cost = path->path.startup_cost +
                          index::prices::kPerRow * matches * cost.AskingVisit(1, rel->baserestrictcost.per_tuple) +
                          ReturnCost(root, rel, ordered);
}

// The plan below a gate, which is above us too.
Plan* WithoutGate(void* child) {
  Plan* plan = static_cast<Plan*>(child);
  while (IsA(plan, Result)) plan = plan->lefttree;
  return plan;
}

// What LIMIT and OFFSET say at run time, where one row of the scan is one of the query.
List* LimitExpressions(const PlannerInfo* root) {
  const Query* query = root->parse;
  if (query->limitCount == nullptr || root->limit_tuples >= 0 || query->groupClause != NIL ||
      query->groupingSets != NIL || query->distinctClause != NIL || query->hasAggs || query->hasWindowFuncs ||
      query->hasTargetSRFs || root->hasHavingQual)
    return NIL;
  List* expressions = NIL;
  for (Node* expression : {query->limitCount, query->limitOffset}) {
    if (expression == nullptr) continue;
    if (contain_subplans(expression) || contain_volatile_functions(expression)) return NIL;
    expressions = lappend(expressions, copyObjectImpl(expression));
  }
  return expressions;
}

Plan* MakePlan(PlannerInfo* root, RelOptInfo* rel, CustomPath* path, List* columns, List* clauses, List* children) {
  const IndexScan* ordered = castNode(IndexScan, WithoutGate(linitial(children)));
  const IndexPath* ordered_path = linitial_node(IndexPath, path->custom_paths);
  OpExpr* distance = linitial_node(OpExpr, ordered->indexorderbyorig);

  CustomScan* scan = makeNode(CustomScan);
  scan->scan.plan.targetlist = columns;
  scan->scan.plan.qual = extract_actual_clauses(clauses, false);
  scan->scan.scanrelid = rel->relid;
  scan->flags = path->flags;
  scan->custom_exprs =
      list_make5(distance, lsecond(distance->args), ordered->indexqual, ordered->indexqualorig, LimitExpressions(root));
  PlanData data{};
  data.index = ordered->indexid;
  data.limit = index::RowsWanted(root);
  data.has_residual = index::HasUnseenFilter(ordered_path);
  data.rows = rel->rows;
  data.key_share = KeyShare(ordered_path);
  data.question = rel->baserestrictcost.per_tuple / index::VisitCost::Arithmetic();
  if (list_length(children) > 1) {
    const BitmapHeapScan* bitmap = castNode(BitmapHeapScan, WithoutGate(lsecond(children)));
    Plan* set = bitmap->scan.plan.lefttree;
    scan->custom_plans = list_make1(set);
    data.set_rows = set->plan_rows;
    data.has_residual = list_intersection(bitmap->scan.plan.qual, ordered->scan.plan.qual) != NIL;
  }
  if (path->custom_private != NIL) {
    data.limit = floatVal(linitial(path->custom_private));
    data.looked_at = floatVal(lsecond(path->custom_private));
    llast(scan->custom_exprs) = NIL;
  }
  scan->custom_private = MakePrivate(data);
  scan->methods = &scan_methods;
  return &scan->scan.plan;
}

// Whether there are conditions that the index does not answer, beyond such as nearly all rows are known to meet.
bool LeavesConditions(const RelOptInfo* rel, const IndexPath* ordered) {
  constexpr double kNearlyAll = 0.95;
  return rel->rows <= kNearlyAll * rel->tuples * KeyShare(ordered) && index::HasUnseenFilter(ordered);
}

// Core's path, or one of range_search's, by which an hnsw index alone gives the query's order; null: it is none.
const IndexPath* AsOrdered(const PlannerInfo* root, const Path* path) {
  if (!IsA(path, IndexPath)) return nullptr;
  const IndexPath* ordered = reinterpret_cast<const IndexPath*>(path);
  return index::IsHnswIndex(*ordered->indexinfo) && IsOrdered(root, path) ? ordered : nullptr;
}

// Whether a scan ends at a distance.
bool HasRange(const PlannerInfo* root, const RelOptInfo* rel) {
  ListCell* cell;
  foreach (cell, rel->pathlist)
    if (const IndexPath* ordered = AsOrdered(root, static_cast<Path*>(lfirst(cell))))
      if (index::RangeOf(ordered) != nullptr) return true;
  return false;
}

void RemoveScansUnderFilters(const PlannerInfo* root, RelOptInfo* rel) {
  ListCell* cell;
  foreach (cell, rel->pathlist)
    if (const IndexPath* ordered = AsOrdered(root, static_cast<Path*>(lfirst(cell))))
      if (LeavesConditions(rel, ordered)) rel->pathlist = foreach_delete_current(rel->pathlist, cell);
}

constexpr CustomPathMethods path_methods = {kNodeName, MakePlan, nullptr};

CustomPath* MakePath(const PlannerInfo* root, RelOptInfo* rel, const IndexPath* ordered) {
  CustomPath* path = MakeOrderedPath(root, rel, &path_methods);
  path->path.parallel_safe = rel->consider_parallel;
  path->custom_paths = list_make1(const_cast<IndexPath*>(ordered));
  return path;
}

}  // namespace

OpExpr* DistanceOf(const Path* path) {
  if (IsA(path, CustomPath) && reinterpret_cast<const CustomPath*>(path)->methods == &path_methods)
    path = static_cast<Path*>(linitial(reinterpret_cast<const CustomPath*>(path)->custom_paths));
  if (!IsA(path, IndexPath)) return nullptr;
  const IndexPath* ordered = reinterpret_cast<const IndexPath*>(path);
  if (!index::IsHnswIndex(*ordered->indexinfo) || list_length(ordered->indexorderbys) != 1) return nullptr;
  return linitial_node(OpExpr, ordered->indexorderbys);
}

CustomPath* ByBounds(const PlannerInfo* root, const Path* path, double rows, double looked_at) {
  CustomPath* copy = nullptr;
  if (!index::settings::enable_filtered_scan) return nullptr;
  if (const IndexPath* ordered = AsOrdered(root, path)) {
    if (list_length(ordered->indexorderbys) != 1 || index::RangeOf(ordered) != nullptr) return nullptr;
    copy = MakePath(root, path->parent, ordered);
    copy->path.startup_cost = path->startup_cost;
    copy->path.total_cost = path->total_cost;
  } else if (IsA(path, CustomPath) && reinterpret_cast<const CustomPath*>(path)->methods == &path_methods) {
    copy = makeNode(CustomPath);
    *copy = *reinterpret_cast<const CustomPath*>(path);
  } else {
    return nullptr;
  }
  copy->custom_private = list_make2(MakeNumber(rows), MakeNumber(looked_at));
  return copy;
}

void AddPath(PlannerInfo* root, RelOptInfo* rel, const RangeTblEntry* entry) {
  if (likely(list_length(root->query_pathkeys) != 1) || rel->baserestrictinfo == NIL || rel->indexlist == NIL) return;
  const List* hnsw_indexes = HnswIndexes(rel);
  if (hnsw_indexes == NIL || !index::settings::enable_filtered_scan || !enable_indexscan) return;
  if (entry->rtekind != RTE_RELATION || entry->inh || entry->tablesample != nullptr || rel->lateral_relids != nullptr ||
      IS_DUMMY_REL(rel))
    return;

  IndexPath* ordered = OrderedPath(root, rel, hnsw_indexes);
  if (ordered == nullptr) return;
  const List* others = list_difference_ptr(rel->indexlist, hnsw_indexes);
  BitmapHeapPath* bitmap = others == NIL || !enable_bitmapscan ? nullptr : BitmapPath(root, rel, others);
  // Who switches iterative scans off wants no more than what an index scan's first beam has.
  const bool asks = index::settings::iterative_scan != static_cast<int>(index::IterativeScan::kOff) &&
                    LeavesConditions(rel, ordered) && !HasRange(root, rel);
  if (!asks && bitmap == nullptr) return;
  if (asks) RemoveScansUnderFilters(root, rel);

  CustomPath* path = MakePath(root, rel, ordered);
  if (bitmap != nullptr) {
    path->custom_paths = lappend(path->custom_paths, bitmap);
    SetCosts(root, path, rel, ordered, bitmap, index::RowsWanted(root));
  } else {
    SetCosts(root, path, rel, ordered, index::RowsWanted(root));
  }
  add_path(rel, &path->path);
}

}  // namespace medvec::planner::filtered_scan
