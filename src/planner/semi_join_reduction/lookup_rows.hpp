// The rows that look-ups give, in exact order. Where the vectors come by bounds (filtered_scan::BoundedScan) only rows
// that were looked up and meet all conditions are measured.
#pragma once

#include "index/index.hpp"
#include "pg/executor.hpp"
#include "planner/filtered_scan/node.hpp"
#include "planner/semi_join_reduction/node.hpp"

namespace medvec::planner::semi_join_reduction {

class LookupRows {
 public:
  // `distance`: of the node's tuples; null: the rows come in exact order, and there is no bound.
  LookupRows(CustomScanState* node, PlanState* lookups, const PlanData& data, ExprState* distance);

  // Begins anew.
  void Start();
  // Forgets what was found.
  void Reset();
  // Looks up until so many rows are known as are wanted. False: not within the bound.
  bool FindWanted();
  // The next row as a tuple of the node; null: there are no more. What was found too late for its place comes last.
  TupleTableSlot* Next();

 private:
  struct Found {
    uint64 distance;  // a DistanceKey
    MinimalTuple row;
  };
  static bool Later(const Found& a, const Found& b) { return b.distance < a.distance; }

  void SetBound(bool is_bounded);
  bool IsAtBound() const;
  double NoneIsNearer() const;
  bool LookUp();
  uint64 Measure(TupleTableSlot* row);
  TupleTableSlot* TupleOf(TupleTableSlot* row);
  TupleTableSlot* TupleOf(const Found& found) { return TupleOf(ExecStoreMinimalTuple(found.row, slot_, false)); }

  CustomScanState* node_;
  PlanState* lookups_;
  const PlanData& data_;
  ExprState* distance_;
  filtered_scan::BoundedScan* scan_;  // of the vectors; null: in exact order,
  LimitState* limit_;                 // below this
  ExprState* most_;                   // its count
  TupleTableSlot* slot_;
  MemoryContext context_;  // of what was found
  bool is_begun_ = false, is_over_ = false;
  hnsw::Array<Found> found_ = {}, late_ = {};  // found: a heap, nearest first
  uint64 given_ = 0;                           // none that was given is farther
};

}  // namespace medvec::planner::semi_join_reduction
