#include "index/cost.hpp"

#include <algorithm>
#include <cmath>

#include "core/hnsw/choose_geometry.hpp"
#include "core/hnsw/insert.hpp"
#include "index/options.hpp"
#include "index/path.hpp"

namespace medvec::index {

namespace {

// Arithmetic of a visit, about 1 us, in units of cpu_operator_cost (which stands for about 0.02 us).
constexpr double kVisitOperators = 40;
// Nodes visited for a beam of ef: more than ef, see core/hnsw/README.md.
constexpr double kVisitsPerEf = 2;
// And to find all nodes within a distance, for each of them.
constexpr double kVisitsPerWithin = 4;
// Who wants all of them in order does better to sort: the executor computes most distances anew here, and what the walk
// finds too late for its place comes last.
constexpr double kVisitsPerOrdered = 5;
// Looking at a row's keys, and reading the node of one that matches, in visits.
constexpr double kVisitsPerRow = 1.0 / 250, kVisitsPerMatch = 0.5;
// Beyond what core adds for what is disabled; finite, since core takes differences of costs.
constexpr Cost kUnusable = 1e30;

// Whether a condition asks for NULL vectors, which are not in the index.
bool AsksForNullVector(const struct IndexPath* path) {
  ListCell* cell;
  foreach (cell, path->indexclauses) {
    const IndexClause* clause = lfirst_node(IndexClause, cell);
    if (clause->indexcol != 0 || !IsA(clause->rinfo->clause, NullTest)) continue;
    if (reinterpret_cast<const NullTest*>(clause->rinfo->clause)->nulltesttype == IS_NULL) return true;
  }
  return false;
}

// Share of the table's rows that the index's predicate and the path's conditions let through.
Selectivity RowsSelected(struct PlannerInfo* root, const struct IndexPath* path) {
  struct IndexOptInfo* index = path->indexinfo;
  if (path->indexclauses == NIL && index->indpred == NIL) return 1;
  List* quals = get_quals_from_indexclauses(path->indexclauses);
  return clauselist_selectivity(root, add_predicate_to_index_quals(index, quals), static_cast<int>(index->rel->relid),
                                JOIN_INNER, nullptr);
}

// Share of rows within the path's range of distance; 1: it has none.
Selectivity RangeSelected(struct PlannerInfo* root, const struct IndexPath* path) {
  const RestrictInfo* range = RangeOf(path);
  if (range == nullptr) return 1;
  return clause_selectivity(root, reinterpret_cast<Node*>(range->clause), static_cast<int>(path->indexinfo->rel->relid),
                            JOIN_INNER, nullptr);
}

}  // namespace

// Without conditions the first ef rows come when the walk has settled: that is the start-up cost. Each further row
// costs about one more visit. A LIMIT under a filter reads 1 / selectivity times as many rows, which the planner works
// out from the difference between start-up and total cost.
//
// Of a share s of matching rows the walk visits 1 / s times as many nodes; or all matches are read at once, which makes
// all of it start-up cost. The scan takes what is cheaper.
//
// All rows within a range of distance are found by a walk of about twice as many, or by reading the whole index.
void EstimateCost(struct PlannerInfo* root, struct IndexPath* path, double, Cost* startup, Cost* total,
                  Selectivity* selectivity, double* correlation, double* pages) {
  CompletePath(root, path);
  *selectivity = 1, *correlation = 0;
  *pages = path->indexinfo->pages;
  const Selectivity range = RangeSelected(root, path);
  const bool is_limited = range < 1;
  // The index gives rows in an order, or within a distance.
  if ((path->indexorderbys == NIL && !is_limited) || AsksForNullVector(path)) {
    *startup = *total = kUnusable;
    DisablePath(&path->path);
    return;
  }
  const double tuples = std::max(1.0, path->indexinfo->tuples);
  // Groups of blocks share pages; what is in memory costs a look-up.
  const double pages_per_visit = std::max(1.0, path->indexinfo->pages / tuples);
  const double cached =
      std::min(1.0, effective_cache_size / std::max(1.0, static_cast<double>(path->indexinfo->pages)));
  double random_page = 4, sequential_page = 1;
  get_tablespace_page_costs(path->indexinfo->reltablespace, &random_page, &sequential_page);
  const double visit = kVisitOperators * cpu_operator_cost +
                       pages_per_visit * (cached * cpu_index_tuple_cost + (1 - cached) * random_page);
  const double levels = std::log(tuples) / std::log(hnsw::kLevelRatio);
  *selectivity = RowsSelected(root, path);
  const bool has_filter = list_length(path->indexclauses) > is_limited;
  const double matches =
      has_filter ? std::clamp(*selectivity / range * path->indexinfo->rel->tuples, 1.0, tuples) : tuples;
  const double all = kVisitsPerRow * tuples + kVisitsPerMatch * matches;
  const double each = tuples / matches;  // visits for one match
  double first = std::min(tuples, kVisitsPerEf * settings::ef_search * each + 5 * levels);
  double last = first + std::max(0.0, matches - settings::ef_search) * each;
  if (is_limited) last = first + std::min(kVisitsPerWithin * range * tuples, kVisitsPerMatch * tuples);
  if (has_filter) first = std::min(first, all), last = std::min(last, first + all);
  if (is_limited && path->indexorderbys != NIL) last += kVisitsPerOrdered * range * matches;
  *startup = first * visit;
  *total = last * visit + range * matches * cpu_index_tuple_cost;
}

}  // namespace medvec::index
