// The plan node "HNSW Filtered Scan": what the path hands to the executor, by way of a CustomScan that plans copy,
// cache and send to parallel workers. Its child, if it has one, is a bitmap plan.
#pragma once

#include <limits>

#include "pg/executor.hpp"
#include "pg/planner.hpp"

namespace medvec::planner::filtered_scan {

inline constexpr char kNodeName[] = "HNSW Filtered Scan";

struct PlanData {
  Oid index;
  double limit;       // rows that are wanted by LIMIT, or index::kAllRows; 0: not known
  double rows;        // expected to meet all conditions
  double set_rows;    // expected in the bitmap
  double key_share;   // expected of all rows to meet the conditions on filter columns of the hnsw index
  double question;    // price of asking a row all conditions, in visits
  double looked_at;   // by bounds: rows that are looked at for each that is taken; else 0
  bool has_residual;  // there are conditions beyond those and the bitmap's
};
// The expressions of the node, in this order.
enum Expressions {
  kDistance,
  kQuery,
  kIndexQuals,      // a list, by the columns of the index: conditions on its filter columns
  kIndexQualsOrig,  // the same by the columns of the table, for EXPLAIN
  kLimit            // a list of what LIMIT and OFFSET say where they are no constants, to be added
};
List* MakePrivate(const PlanData& data);
PlanData ReadPrivate(List* list);

extern const CustomScanMethods scan_methods;
void RegisterNode();

// The distance by which a node of ours orders its rows; null for other nodes.
OpExpr* DistanceOf(const Plan* plan);

// A scan by bounds measures nothing: its rows come in the order in which the index finds them, with the least that they
// may be away. For who reads it through other nodes, asks more of a row, and measures what remains.
struct BoundedScan {
  // Set by the reader: from here on the scan gives no more rows, until this is farther away.
  double most_rows = std::numeric_limits<double>::infinity(), farthest = std::numeric_limits<double>::infinity();
  // Set by the scan.
  double rows = 0;                                          // given
  double bound = -std::numeric_limits<double>::infinity();  // as far as is known none of those to come is nearer
  bool is_over = false;

  // The next scan; what the reader has set stays.
  void Restart() { *this = {.most_rows = most_rows, .farthest = farthest}; }
  bool is_at_most_rows() const { return !is_over && rows >= most_rows; }
  bool is_paused() const {
    return is_at_most_rows() || (!is_over && farthest < std::numeric_limits<double>::infinity() && bound >= farthest);
  }
};
// Null: the node is none of ours, or measures.
BoundedScan* AsBoundedScan(PlanState* node);

// scan.cpp
Node* CreateState(CustomScan* plan);

}  // namespace medvec::planner::filtered_scan
