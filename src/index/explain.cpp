#include "index/explain.hpp"

#include "index/handler.hpp"
#include "index/scan.hpp"
#include "pg/explain.hpp"

namespace medvec::index {

#ifdef MEDVEC_EXPLAIN_HOOK
namespace {

explain_per_node_hook_type previous = nullptr;

void ExplainNode(PlanState* node, List* ancestors, const char* relationship, const char* plan_name, ExplainState* es) {
  if (previous != nullptr) previous(node, ancestors, relationship, plan_name, es);
  if (!es->analyze || !IsA(node, IndexScanState)) return;
  const IndexScanState* scan = reinterpret_cast<const IndexScanState*>(node);
  if (scan->iss_ScanDesc == nullptr || scan->iss_NumOrderByKeys == 0) return;
  if (!IsHnswIndex(RelationGetRelid(scan->iss_RelationDesc))) return;
  const ScanCounters counters = CountersOf(scan->iss_ScanDesc);
  ExplainPropertyInteger("Nodes Visited", nullptr, counters.nodes, es);
  ExplainPropertyInteger("Index Pages Read", nullptr, counters.pages, es);
  ExplainPropertyInteger("Rows Considered", nullptr, counters.rows, es);
  ExplainPropertyInteger("Beam Width", nullptr, counters.beam, es);
  ExplainPropertyText("Strategy", counters.Strategy(), es);
  if (counters.is_filtered) ExplainPropertyFloat("Matching Rows", nullptr, counters.matches, 0, es);
}

}  // namespace

void InstallExplainHook() {
  previous = explain_per_node_hook;
  explain_per_node_hook = ExplainNode;
}
#else
void InstallExplainHook() {}
#endif

}  // namespace medvec::index
