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
// Nodes visited by walks to find all those within a distance, for each of them.
constexpr double kVisitsPerWithin = 4;
// Who wants all of them in order does better to sort: the executor computes most distances anew here, and what the walk
// finds too late for its place comes last.
constexpr double kVisitsPerOrdered = 5;
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

// About how many rows a row page has, and whether they have codes: without the metapage. The planner has the index
// locked.
prices::RowPages RowPagesOf(Oid oid) {
  constexpr double kRowBytes = 10, kKeyBytes = 6;
  const Relation index = index_open(oid, NoLock);
  const double keys = IndexRelationGetNumberOfKeyAttributes(index) - 1;
  const prices::RowPages pages = {kUsable / (kRowBytes + kKeyBytes * keys), GetOperatorClass(index).has_row_codes()};
  index_close(index, NoLock);
  return pages;
}

// Bytes of a row's vector in the table.
double VectorBytes(Oid oid) {
  const Relation index = index_open(oid, NoLock);
  const double bytes = static_cast<double>(ColumnDimensions(index)) * GetOperatorClass(index).element_bytes;
  index_close(index, NoLock);
  return bytes;
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
  return clause_selectivity(root, reinterpret_cast<Node*>(const_cast<RestrictInfo*>(range)),
                            static_cast<int>(path->indexinfo->rel->relid), JOIN_INNER, nullptr);
}

}  // namespace

double RowsWanted(const struct PlannerInfo* root) {
  if (root->tuple_fraction == 0) return kAllRows;
  if (root->limit_tuples >= 0) return std::min(root->limit_tuples, kAllRows);
  return root->tuple_fraction >= 1 ? std::min(root->tuple_fraction, kAllRows) : 0;
}

VisitCost::VisitCost(const struct IndexOptInfo& index) : index_(index.indexoid), nodes_(std::max(1.0, index.tuples)) {
  // Groups of blocks share pages; what is in memory costs a look-up.
  const double pages = std::max(1.0, static_cast<double>(index.pages)), per_visit = std::max(1.0, pages / nodes_);
  const double cached = std::min(1.0, effective_cache_size / pages);
  double random_page = 4, sequential_page = 1;
  get_tablespace_page_costs(index.reltablespace, &random_page, &sequential_page);
  visit_ = Arithmetic() + per_visit * (cached * cpu_index_tuple_cost + (1 - cached) * random_page);
}

Cost VisitCost::AskingVisit(double share, Cost question) const {
  return visit_ + share * (prices::kFetch * Arithmetic() + question);
}

Cost VisitCost::Arithmetic() { return kVisitOperators * cpu_operator_cost; }

double VisitCost::Descent() const { return 5 * std::log(nodes_) / std::log(hnsw::kLevelRatio); }

double VisitCost::Walk(double matches, double rows) const {
  const double width = std::max(prices::kWidthPerEf * settings::ef_search, prices::kBeamPerRow * rows);
  return std::min(nodes_, prices::Walk(nodes_, matches, width) + Descent());
}

double VisitCost::Matches(double matches, bool is_of_set) const {
  return prices::Matches(RowPagesOf(index_), nodes_, matches, is_of_set);
}

double VisitCost::Within(double range, double matches) const {
  const prices::RowPages pages = RowPagesOf(index_);
  if (!pages.has_codes) return std::min(kVisitsPerWithin * range * nodes_, prices::kMatch * nodes_);
  return prices::Codes(pages, nodes_, matches) +
         prices::kMatch * matches * std::min(1.0, prices::kNearPerWithin * range);
}

double VisitCost::TableRow() const { return prices::TableRow(VectorBytes(index_)); }

// Without conditions the first ef rows, and those that a LIMIT takes, come when the walk has settled: that is the
// start-up cost. Each further row costs a few more visits. What rows cost that are returned core adds.
//
// A filter that the index does not see may go with the distance: nobody knows how many rows will have to be looked at.
// So a scan under one is charged as if it asked the row of each node that it visits, and mostly the filtered scan
// (planner/filtered_scan), which does that, takes its place.
//
// Of a share s of matching rows the walk visits 1 / s times as many nodes; or all matches are read at once, which makes
// all of it start-up cost. The scan takes what is cheaper.
//
// All rows within a range of distance are found by the codes of all rows, and reading those that may be within; without
// codes by a longer walk, or by reading the whole index.
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
  const VisitCost cost(*path->indexinfo);
  const double tuples = cost.nodes();
  *selectivity = RowsSelected(root, path);
  const bool is_filtered = list_length(path->indexclauses) > is_limited, is_ordered = path->indexorderbys != NIL;
  const double matches =
      is_filtered ? std::clamp(*selectivity / range * path->indexinfo->rel->tuples, 1.0, tuples) : tuples;
  const double rows = RowsWanted(root), wanted = rows < matches && !is_limited ? rows : 0;
  const double taken = std::max(wanted, static_cast<double>(settings::ef_search));
  double first = cost.Walk(matches, wanted);
  double further = prices::kPerRow * std::max(0.0, matches - taken) * tuples / matches;
  if (is_limited) further = cost.Within(range, matches);
  if (is_filtered) {
    const double all = cost.Matches(matches);
    further = all <= first ? 0 : std::min(further, all);
    first = std::min(first, all);
  }
  if (is_limited && is_ordered) further += kVisitsPerOrdered * range * matches;
  const Cost visit = HasUnseenFilter(path) ? cost.AskingVisit() : cost.visit();
  *startup = first * visit;
  // Each row in order is fetched from the table, at random.
  const Cost each = is_ordered ? prices::kFetch * VisitCost::Arithmetic() : cpu_index_tuple_cost;
  *total = *startup + further * visit + range * matches * each;
}

}  // namespace medvec::index
