#include "index/explain.hpp"

#include "index/handler.hpp"
#include "index/scan.hpp"
#include "pg/explain.hpp"

namespace medvec::index {

#ifdef MEDVEC_EXPLAIN_HOOK
namespace {

explain_per_node_hook_type previous = nullptr;

// Of a node that scans an index, once it has begun; else null.
IndexScanDesc DescriptorOf(const PlanState* node) {
  if (IsA(node, IndexScanState)) return reinterpret_cast<const IndexScanState*>(node)->iss_ScanDesc;
  if (IsA(node, BitmapIndexScanState)) return reinterpret_cast<const BitmapIndexScanState*>(node)->biss_ScanDesc;
  return nullptr;
}

void ExplainNode(PlanState* node, List* ancestors, const char* relationship, const char* plan_name, ExplainState* es) {
  if (previous != nullptr) previous(node, ancestors, relationship, plan_name, es);
  if (!es->analyze) return;
  const IndexScanDesc scan = DescriptorOf(node);
  if (scan == nullptr || !IsHnswIndex(RelationGetRelid(scan->indexRelation))) return;
  const ScanCounters counters = CountersOf(scan);
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
