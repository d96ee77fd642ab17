#include "index/cost.hpp"

#include <algorithm>
#include <cmath>

#include "core/hnsw/choose_geometry.hpp"
#include "core/hnsw/insert.hpp"
#include "index/options.hpp"

namespace medvec::index {

namespace {

// Arithmetic of a visit, about 1 us, in units of cpu_operator_cost (which stands for about 0.02 us).
constexpr double kVisitOperators = 40;
// Nodes visited for a beam of ef: more than ef, see core/hnsw/README.md.
constexpr double kVisitsPerEf = 2;
// Share of filtered queries whose rows lie far from the query, so that nearly all nodes are visited: an estimate of
// selectivity does not tell. A guess, which decides for scans that bound that risk (planner/filtered_scan).
constexpr double kFarFilters = 0.05;

}  // namespace

// The first ef rows come when the walk has settled: that is the start-up cost. Each further row costs about one more
// visit. A LIMIT under a filter reads 1 / selectivity times as many rows, which the planner works out from the
// difference between start-up and total cost.
void EstimateCost(struct PlannerInfo*, struct IndexPath* path, double, Cost* startup, Cost* total,
                  Selectivity* selectivity, double* correlation, double* pages) {
  *selectivity = 1, *correlation = 0;
  *pages = path->indexinfo->pages;
  // The index gives rows in an order and nothing else.
  if (path->indexorderbys == NIL) {
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
  const double first = std::min(tuples, kVisitsPerEf * settings::ef_search + 5 * levels);
  const bool has_filter = list_length(path->indexinfo->indrestrictinfo) > list_length(path->indexclauses);
  *startup = (first + (has_filter ? kFarFilters * tuples : 0)) * visit;
  *total = *startup + std::max(0.0, tuples - settings::ef_search) * visit + tuples * cpu_index_tuple_cost;
}

}  // namespace medvec::index
