#include "planner/filtered_scan/path.hpp"

#include <algorithm>
#include <cmath>

#include "index/handler.hpp"
#include "index/options.hpp"
#include "planner/filtered_scan/node.hpp"

namespace medvec::planner::filtered_scan {

namespace {

// The relation as core's index planning is to see it: with these indexes, without paths and joins; without conditions
// where the indexes are to give an order alone.
RelOptInfo* WithIndexes(const RelOptInfo* rel, List* indexes, bool has_conditions) {
  RelOptInfo* copy = makeNode(RelOptInfo);
  *copy = *rel;
  copy->indexlist = copy->pathlist = copy->partial_pathlist = copy->ppilist = copy->joininfo = NIL;
  copy->cheapest_startup_path = copy->cheapest_total_path = nullptr;
  copy->consider_parallel = copy->has_eclass_joins = false;
  ListCell* cell;
  foreach (cell, indexes) {
    IndexOptInfo* index = makeNode(IndexOptInfo);
    *index = *lfirst_node(IndexOptInfo, cell);
    index->rel = copy;
    if (!has_conditions) index->indrestrictinfo = NIL;
    copy->indexlist = lappend(copy->indexlist, index);
  }
  return copy;
}

// The cheapest path by which an hnsw index alone gives the query's order.
const IndexPath* OrderedPath(PlannerInfo* root, const RelOptInfo* rel, List* hnsw_indexes) {
  RelOptInfo* copy = WithIndexes(rel, hnsw_indexes, false);
  create_index_paths(root, copy);
  const IndexPath* best = nullptr;
  ListCell* cell;
  foreach (cell, copy->pathlist) {
    const Path* path = static_cast<Path*>(lfirst(cell));
    if (!IsA(path, IndexPath) || path->param_info != nullptr) continue;
    const IndexPath* ordered = reinterpret_cast<const IndexPath*>(path);
    if (list_length(ordered->indexorderbys) != 1 || !pathkeys_contained_in(root->query_pathkeys, path->pathkeys))
      continue;
    if (best == nullptr || path->startup_cost < best->path.startup_cost) best = ordered;
  }
  return best;
}

// The bitmap heap scan core would choose by the other indexes.
BitmapHeapPath* BitmapPath(PlannerInfo* root, const RelOptInfo* rel, List* other_indexes) {
  RelOptInfo* copy = WithIndexes(rel, other_indexes, true);
  create_index_paths(root, copy);
  ListCell* cell;
  foreach (cell, copy->pathlist) {
    Path* path = static_cast<Path*>(lfirst(cell));
    if (IsA(path, BitmapHeapPath) && path->param_info == nullptr) return reinterpret_cast<BitmapHeapPath*>(path);
  }
  return nullptr;
}

// Fetching a row and asking it; reading a vector out of line: about 0.3 and 4 us, in units of cpu_operator_cost, which
// stands for about 0.02 us, as in the cost of the index (index/cost.cpp).
constexpr double kFetchOperators = 15, kOutOfLineOperators = 200;
constexpr int kOutOfLineDimensions = 500;
// A node visited whose row is fetched and asked the conditions, in nodes visited.
constexpr double kWalkedRow = 1.5;

// Reading the rows of a bitmap one by one, and sorting them. As for the index, what fits in the cache is taken to be
// there, which core does not take it to be.
Cost ExactCost(const RelOptInfo* rel, const OpExpr* measure, double matches) {
  const double pages = std::max(1.0, static_cast<double>(rel->pages));
  const double uncached = 1 - std::min(1.0, effective_cache_size / pages);
  double random_page, sequential_page;
  get_tablespace_page_costs(rel->reltablespace, &random_page, &sequential_page);
  QualCost distance;
  cost_qual_eval_node(&distance, reinterpret_cast<Node*>(const_cast<OpExpr*>(measure)), nullptr);
  const bool out_of_line = exprTypmod(static_cast<Node*>(linitial(measure->args))) > kOutOfLineDimensions;
  const double operators = kFetchOperators + (out_of_line ? kOutOfLineOperators : 0);
  return rel->baserestrictcost.startup + distance.startup + std::min(pages, matches) * uncached * random_page +
         matches * (cpu_tuple_cost + operators * cpu_operator_cost + rel->baserestrictcost.per_tuple) +
         rel->rows * distance.per_tuple + 2 * cpu_operator_cost * rel->rows * std::log2(rel->rows + 1);
}

// As the scan will choose, by estimates (scan.cpp). A walk visits 1 / share times as many nodes as one without a
// filter; the set is read in the end if all rows are wanted.
void SetCosts(CustomPath* path, const RelOptInfo* rel, const IndexPath* ordered, const BitmapHeapPath* bitmap) {
  Cost bitmap_cost;
  Selectivity share;
  cost_bitmap_tree_node(bitmap->bitmapqual, &bitmap_cost, &share);
  const double set_rows = clamp_row_est(share * rel->tuples);
  const Cost read_set = ExactCost(rel, linitial_node(OpExpr, ordered->indexorderbys), set_rows);
  const double indexed = std::max(1.0, ordered->indexinfo->tuples);
  const Cost walk = ordered->path.startup_cost;
  const Cost walk_rows = kWalkedRow * walk * std::max(1.0, indexed / std::max(1.0, rel->rows));
  const Cost walk_set = bitmap_cost + walk * std::max(1.0, indexed / set_rows);
  path->path.startup_cost = std::min({walk_rows, walk_set, bitmap_cost + read_set});
  path->path.total_cost = bitmap_cost + read_set + cpu_tuple_cost * rel->rows;
  if (path->path.startup_cost < bitmap_cost + read_set) path->path.total_cost += path->path.startup_cost;
}

Plan* MakePlan(PlannerInfo* root, RelOptInfo* rel, CustomPath* path, List* columns, List* clauses, List* children) {
  const Plan* bitmap = static_cast<Plan*>(linitial(children));
  while (IsA(bitmap, Result)) bitmap = bitmap->lefttree;  // a gate, which is above us too
  const IndexPath* ordered = static_cast<IndexPath*>(linitial(path->custom_private));
  OpExpr* distance = linitial_node(OpExpr, ordered->indexorderbys);

  CustomScan* scan = makeNode(CustomScan);
  scan->scan.plan.targetlist = columns;
  scan->scan.plan.qual = extract_actual_clauses(clauses, false);
  scan->scan.scanrelid = rel->relid;
  scan->flags = path->flags;
  Plan* set = castNode(BitmapHeapScan, const_cast<Plan*>(bitmap))->scan.plan.lefttree;
  scan->custom_plans = list_make1(set);
  scan->custom_exprs = list_make2(distance, lsecond(distance->args));
  PlanData data;
  data.index = ordered->indexinfo->indexoid;
  const double limit = root->tuple_fraction == 0 ? rel->rows : root->limit_tuples;
  data.limit = std::clamp(limit, 0.0, 1e9);
  data.rows = rel->rows;
  data.set_rows = set->plan_rows;
  data.has_residual = bitmap->qual != NIL;
  scan->custom_private = MakePrivate(data);
  scan->methods = &scan_methods;
  return &scan->scan.plan;
}

constexpr CustomPathMethods path_methods = {kNodeName, MakePlan, nullptr};

}  // namespace

void AddPath(PlannerInfo* root, RelOptInfo* rel, const RangeTblEntry* entry) {
  if (likely(list_length(root->query_pathkeys) != 1) || rel->baserestrictinfo == NIL || list_length(rel->indexlist) < 2)
    return;
  List *hnsw_indexes = NIL, *others = NIL;
  ListCell* cell;
  foreach (cell, rel->indexlist)
    if (index::IsHnswIndex(*lfirst_node(IndexOptInfo, cell))) hnsw_indexes = lappend(hnsw_indexes, lfirst(cell));
  if (hnsw_indexes == NIL) return;
  foreach (cell, rel->indexlist)
    if (!list_member_ptr(hnsw_indexes, lfirst(cell))) others = lappend(others, lfirst(cell));
  if (others == NIL || !index::settings::enable_filtered_scan || !enable_indexscan || !enable_bitmapscan) return;
  if (entry->rtekind != RTE_RELATION || entry->inh || entry->tablesample != nullptr || rel->lateral_relids != nullptr ||
      IS_DUMMY_REL(rel))
    return;

  const IndexPath* ordered = OrderedPath(root, rel, hnsw_indexes);
  if (ordered == nullptr) return;
  BitmapHeapPath* bitmap = BitmapPath(root, rel, others);
  if (bitmap == nullptr) return;

  CustomPath* path = makeNode(CustomPath);
  path->path.pathtype = T_CustomScan;
  path->path.parent = rel;
  path->path.pathtarget = rel->reltarget;
  path->path.parallel_safe = rel->consider_parallel;
  path->path.rows = rel->rows;
  path->path.pathkeys = root->query_pathkeys;
  path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
  path->custom_paths = list_make1(bitmap);
  path->custom_private = list_make1(const_cast<IndexPath*>(ordered));
  path->methods = &path_methods;
  SetCosts(path, rel, ordered, bitmap);
  add_path(rel, &path->path);
}

}  // namespace medvec::planner::filtered_scan
