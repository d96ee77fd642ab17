#include "planner/filtered_scan/set.hpp"

#include <new>

#include "core/hnsw/memory.hpp"
#include "index/index.hpp"

namespace medvec::planner::filtered_scan {

namespace {

// A B-tree gives its tuples one by one, too. To list and sort them takes less than half of the time of a bitmap, which
// hashes the page of each (docs/decisions/0019-filtered-custom-scan.md).
bool GivesTuples(const PlanState* node) {
  if (!IsA(node, BitmapIndexScanState)) return false;
  const BitmapIndexScanState* scan = reinterpret_cast<const BitmapIndexScanState*>(node);
  return scan->biss_RelationDesc->rd_rel->relam == BTREE_AM_OID && scan->biss_NumArrayKeys == 0;
}

void MoveInto(index::TidSet* set, TIDBitmap* bitmap) {
  set->Drain(bitmap);
  tbm_free(bitmap);
}

// Tuples that are listed, as long as work_mem has room; then put into a bitmap, which gets along with any.
class TupleList {
 public:
  void Add(const ItemPointerData& tuple) {
    if (bitmap_ != nullptr) {
      AddToBitmap(tuple);
    } else {
      keys_.Append(memory_, index::TidKey(tuple));
      if (keys_.size >= most_) MoveToBitmap();
    }
  }
  void MoveTo(index::TidSet* set) {
    if (bitmap_ != nullptr) {
      MoveInto(set, bitmap_);
    } else {
      set->Fill(keys_);
      keys_.Free(memory_);
    }
  }

 private:
  void AddToBitmap(ItemPointerData tuple) { tbm_add_tuples(bitmap_, &tuple, 1, false); }
  void MoveToBitmap() {
    bitmap_ = tbm_create(work_mem * Size{1024}, nullptr);
    for (const uint64 key : keys_) AddToBitmap(index::TupleOf(key));
    keys_.Free(memory_);
  }

  const hnsw::Memory memory_ = index::ServerMemory(CurrentMemoryContext);
  // With room to grow and to be sorted.
  const size_t most_ = static_cast<size_t>(work_mem) * 1024 / (4 * sizeof(uint64));
  hnsw::Array<uint64> keys_{};
  TIDBitmap* bitmap_ = nullptr;
};

// As MultiExecBitmapIndexScan does.
void ListTuples(BitmapIndexScanState* scan, TupleList* list) {
  PlanState* node = &scan->ss.ps;
  if (node->chgParam != nullptr) ExecReScan(node);
  if (node->instrument != nullptr) InstrStartNode(node->instrument);
  if (!scan->biss_RuntimeKeysReady && scan->biss_NumRuntimeKeys != 0) ExecReScan(node);
  double tuples = 0;
  while (const ItemPointerData* tuple = index_getnext_tid(scan->biss_ScanDesc, ForwardScanDirection)) {
    CHECK_FOR_INTERRUPTS();
    list->Add(*tuple);
    ++tuples;
  }
  if (node->instrument != nullptr) InstrStopNode(node->instrument, tuples);
}

TIDBitmap* MakeBitmap(PlanState* node) {
  Node* result = MultiExecProcNode(node);
  if (result == nullptr || !IsA(result, TIDBitmap)) elog(ERROR, "unrecognized result from subplan");
  return reinterpret_cast<TIDBitmap*>(result);
}

}  // namespace

// The index scans keep things of their own where they are called: for the whole statement.
index::TidSet* MakeSet(PlanState* bitmap) {
  index::TidSet* set = new (palloc(sizeof(index::TidSet))) index::TidSet;
  TupleList list;
  const MemoryContext of_set = MemoryContextSwitchTo(bitmap->state->es_query_cxt);
  TIDBitmap* result = nullptr;
  if (GivesTuples(bitmap))
    ListTuples(reinterpret_cast<BitmapIndexScanState*>(bitmap), &list);
  else
    result = MakeBitmap(bitmap);
  MemoryContextSwitchTo(of_set);
  if (result == nullptr)
    list.MoveTo(set);
  else
    MoveInto(set, result);
  return set;
}

}  // namespace medvec::planner::filtered_scan
