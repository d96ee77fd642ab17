#include "index/cost.hpp"

#include <algorithm>
#include <cmath>

#include "core/hnsw/choose_geometry.hpp"
#include "core/hnsw/insert.hpp"
#include "index/operator_class.hpp"
#include "index/options.hpp"
#include "index/path.hpp"
#include "index/prices.hpp"

namespace medvec::index {

namespace {

// Arithmetic of a visit, about 1 us, in units of cpu_operator_cost (which stands for about 0.02 us).
constexpr double kVisitOperators = 40;
// Nodes visited for a beam of ef: more than ef, see core/hnsw/README.md.
constexpr double kVisitsPerEf = 2;

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

// Whether rows have codes, as far as the planner cares: the planner has the index locked.
bool HasRowCodes(Oid oid) {
  const Relation index = index_open(oid, NoLock);
  const OperatorClass operators = GetOperatorClass(index);
  index_close(index, NoLock);
  return operators.family == Family::kDense && operators.metric != hnsw::Metric::kL1;
}

// Share of the table's rows that the index's predicate and the path's conditions let through.
Selectivity RowsSelected(struct PlannerInfo* root, const struct IndexPath* path) {
  struct IndexOptInfo* index = path->indexinfo;
  if (path->indexclauses == NIL && index->indpred == NIL) return 1;
  List* quals = get_quals_from_indexclauses(path->indexclauses);
  return clauselist_selectivity(root, add_predicate_to_index_quals(index, quals), static_cast<int>(index->rel->relid),
                                JOIN_INNER, nullptr);
}

}  // namespace

// Without conditions the first ef rows come when the walk has settled: that is the start-up cost. Each further row
// costs about one more visit. A LIMIT under a filter reads 1 / selectivity times as many rows, which the planner works
// out from the difference between start-up and total cost.
//
// Of a share s of matching rows the walk visits 1 / s times as many nodes; or all matches are read at once, which makes
// all of it start-up cost. The scan takes what is cheaper.
void EstimateCost(struct PlannerInfo* root, struct IndexPath* path, double, Cost* startup, Cost* total,
                  Selectivity* selectivity, double* correlation, double* pages) {
  CompletePath(root, path);
  *selectivity = 1, *correlation = 0;
  *pages = path->indexinfo->pages;
  // The index gives rows in an order and nothing else.
  if (path->indexorderbys == NIL || AsksForNullVector(path)) {
    *startup = *total = get_float8_infinity();
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
  const double matches =
      path->indexclauses == NIL ? tuples : std::clamp(*selectivity * path->indexinfo->rel->tuples, 1.0, tuples);
  const double all = PriceOfMatches(tuples, matches, HasRowCodes(path->indexinfo->indexoid));
  const double each = tuples / matches;  // visits for one match
  double first = std::min(tuples, kVisitsPerEf * settings::ef_search * each + 5 * levels);
  double last = first + std::max(0.0, matches - settings::ef_search) * each;
  if (path->indexclauses != NIL) first = std::min(first, all), last = std::min(last, first + all);
  *startup = first * visit;
  *total = last * visit + matches * cpu_index_tuple_cost;
}

}  // namespace medvec::index
