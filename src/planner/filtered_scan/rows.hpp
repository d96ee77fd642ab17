// The table's rows that a filtered scan considers: fetched by heap tuple, asked the query's conditions, measured.
#pragma once

#include <limits>

#include "index/tid_set.hpp"
#include "pg/executor.hpp"

namespace medvec::planner::filtered_scan {

using index::TidKey;

// The distance of a row as ORDER BY compares it: NaN is beyond infinity, NULL beyond NaN.
class DistanceKey {
 public:
  static constexpr uint64 kNull = std::numeric_limits<uint64>::max(), kNaN = kNull - 1;
  static uint64 Of(double distance);
  // Infinity for what is beyond it.
  static double ToDouble(uint64 key);
};

class Rows {
 public:
  // The expressions are those of the node, for rows in its scan slot.
  Rows(CustomScanState* node, ExprState* conditions, ExprState* distance);

  // The version of a row that the snapshot sees, in the node's scan slot. False: there is none; `all_dead` then says
  // whether nobody sees one.
  bool Fetch(uint64 tid, bool* all_dead = nullptr);
  // Whether the row in the slot meets all conditions. What it does not, EXPLAIN counts.
  bool Passes();
  // Its distance; only of rows that pass, since the operator may not see what row-level security hides.
  double Distance(bool* is_null);

  TupleTableSlot* slot() const { return node_->ss.ss_ScanTupleSlot; }
  Relation relation() const { return node_->ss.ss_currentRelation; }
  uint64 fetched() const { return fetched_; }
  uint64 measured() const { return measured_; }
  // Lets go of pages.
  void Reset() { table_index_fetch_reset(fetch_); }
  void End() { table_index_fetch_end(fetch_); }

 private:
  CustomScanState* node_;
  ExprState* conditions_;
  ExprState* distance_;
  IndexFetchTableData* fetch_;
  uint64 fetched_ = 0, measured_ = 0;
};

}  // namespace medvec::planner::filtered_scan
