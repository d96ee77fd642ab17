// The plan node "HNSW Filtered Scan": what the path hands to the executor, by way of a CustomScan that plans copy,
// cache and send to parallel workers. Its child is a bitmap plan; its expressions are the distance and the query
// vector.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::filtered_scan {

inline constexpr char kNodeName[] = "HNSW Filtered Scan";

struct PlanData {
  Oid index;
  double limit;       // rows that are probably wanted, all or by LIMIT; 0: not known
  double rows;        // expected to meet all conditions
  double set_rows;    // expected in the bitmap
  bool has_residual;  // there are conditions beyond those of the bitmap
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
