// What the planner believes ordered scans of the index cost.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

void EstimateCost(struct PlannerInfo* root, struct IndexPath* path, double loop_count, Cost* startup, Cost* total,
                  Selectivity* selectivity, double* correlation, double* pages);

// How many rows will be taken, as far as is known; 0: unknown.
inline constexpr double kAllRows = 1e9;
double RowsWanted(const struct PlannerInfo* root);

// Visits (prices.hpp) in the planner's units.
class VisitCost {
 public:
  explicit VisitCost(const struct IndexOptInfo& index);

  double nodes() const { return nodes_; }
  // Of one visit, pages included.
  Cost visit() const { return visit_; }
  // The same, the row of this share of nodes being fetched from the table and asked, which costs so much.
  Cost AskingVisit(double share = 1, Cost question = 0) const;
  // Of as much arithmetic, without.
  static Cost Arithmetic();
  // Nodes visited until a walk has settled that is to find what ef_search asks for, and at least so many rows, where so
  // many nodes match.
  double Walk(double matches, double rows = 0) const;
  // Reading all matches of conditions, or of a set of tuples too.
  double Matches(double matches, bool is_of_set = false) const;
  // All of the matches, wherever they are, that are within a range which holds this share of the rows.
  double Within(double range, double matches) const;
  // Reading a row from the table with its vector.
  double TableRow() const;

 private:
  double Descent() const;

  Oid index_;
  double nodes_;
  Cost visit_;
};

}  // namespace medvec::index
