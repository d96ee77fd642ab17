// What the planner believes ordered scans of the index cost.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

void EstimateCost(struct PlannerInfo* root, struct IndexPath* path, double loop_count, Cost* startup, Cost* total,
                  Selectivity* selectivity, double* correlation, double* pages);

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
  // Reading all matches.
  double Matches(double matches) const;
  // Nodes visited by a scan that knows so many matches, until its first row: it chooses.
  double Search(double matches) const;

 private:
  double Descent() const;

  Oid index_;
  double nodes_;
  Cost visit_;
};

}  // namespace medvec::index
