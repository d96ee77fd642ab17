// The plan node "HNSW Semi-Join Reduction": what the path hands to the executor, by way of a CustomScan that plans copy
// and cache. Its expressions are the equality of the keys and, where look-ups have a bound, the distance; its tuples
// are the columns of the side with the vectors, then those of the other side.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::semi_join_reduction {

inline constexpr char kNodeName[] = "HNSW Semi-Join Reduction";

// The node's children, in this order.
struct Children {
  Plan *other, *vectors, *lookups;  // no look-ups: null
};

struct PlanData {
  bool is_semi;
  int parameter;         // of the executor, which takes the array of keys
  int vector_columns;    // of the node's tuples
  double wanted;         // rows that look-ups are to find within their bound; 0: there is none
  double most;           // vectors that they look at for these
  double after;          // so many rows of the other side have been read they are tried
  List* lookup_columns;  // the tuple's columns, numbered from 1, that the columns of look-ups are
};
List* MakePrivate(const PlanData& data);
PlanData ReadPrivate(List* list);

extern const CustomScanMethods scan_methods;
void RegisterNode();

bool IsReduction(const Plan* plan);
Children ChildrenOf(const CustomScan* plan);

// join.cpp
Node* CreateState(CustomScan* plan);

}  // namespace medvec::planner::semi_join_reduction
