// What plan nodes of our own share: their paths, their state, their methods, what plans carry for them, what EXPLAIN
// says.
#pragma once

#include "pg/executor.hpp"
#include "pg/planner.hpp"

namespace medvec::planner {

// A path of ours that gives the relation's rows in the query's order. Without children and costs yet.
inline CustomPath* MakeOrderedPath(const PlannerInfo* root, RelOptInfo* rel, const CustomPathMethods* methods) {
  CustomPath* path = makeNode(CustomPath);
  path->path.pathtype = T_CustomScan;
  path->path.parent = rel;
  path->path.pathtarget = rel->reltarget;
  path->path.rows = rel->rows;
  path->path.pathkeys = root->query_pathkeys;
  path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
  path->methods = methods;
  return path;
}

// Neither marked nor restored, nor shared by workers of one scan.
constexpr CustomExecMethods ExecMethods(const char* name, void (*begin)(CustomScanState*, EState*, int),
                                        TupleTableSlot* (*exec)(CustomScanState*), void (*end)(CustomScanState*),
                                        void (*rescan)(CustomScanState*),
                                        void (*explain)(CustomScanState*, List*, ExplainState*)) {
  return {
      .CustomName = name,
      .BeginCustomScan = begin,
      .ExecCustomScan = exec,
      .EndCustomScan = end,
      .ReScanCustomScan = rescan,
      .MarkPosCustomScan = nullptr,
      .RestrPosCustomScan = nullptr,
      .EstimateDSMCustomScan = nullptr,
      .InitializeDSMCustomScan = nullptr,
      .ReInitializeDSMCustomScan = nullptr,
      .InitializeWorkerCustomScan = nullptr,
      .ShutdownCustomScan = nullptr,
      .ExplainCustomScan = explain,
  };
}

// A node's state, all zeros. `State` begins with a CustomScanState named `node`.
template <class State>
Node* MakeState(const CustomExecMethods* methods) {
  State* state = static_cast<State*>(palloc0(sizeof(State)));
  NodeSetTag(state, T_CustomScanState);
  state->node.methods = methods;
  return reinterpret_cast<Node*>(state);
}

// For custom_private. With a point: a number without one would come back from a parallel worker's copy as an integer.
inline Node* MakeNumber(double value) { return reinterpret_cast<Node*>(makeFloat(psprintf("%.9f", value))); }

// The strategies that were begun.
template <class Count, size_t kStrategies>
void ExplainStrategies(const char* const (&names)[kStrategies], const Count (&begun)[kStrategies], ExplainState* es) {
  List* strategies = NIL;
  for (size_t i = 0; i < kStrategies; ++i)
    if (begun[i] > 0) strategies = lappend(strategies, const_cast<char*>(names[i]));
  ExplainPropertyList("Strategy", strategies, es);
}

}  // namespace medvec::planner
