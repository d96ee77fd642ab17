// The plan node "HNSW Filtered Scan": what the path hands to the executor, by way of a CustomScan that plans copy,
// cache and send to parallel workers. Its child, if it has one, is a bitmap plan.
#pragma once

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

// scan.cpp
Node* CreateState(CustomScan* plan);

}  // namespace medvec::planner::filtered_scan
