#include <algorithm>
#include <cmath>

#include "index/diagnostics/checker.hpp"

namespace medvec::index {

namespace {

bool Before(const RowEntry& a, const RowEntry& b) {
  return ItemPointerCompare(const_cast<ItemPointer>(&a.tuple), const_cast<ItemPointer>(&b.tuple)) < 0;
}

struct HeapCheck {
  Checker& checker;
  MemoryContext context;  // of one tuple
  void* query_buffer;
  uint8_t* bytes;
  double rounding;  // of a vector of length 1
};

// Whether the stored vector of the node is as near to `input` as its header says.
bool IsNear(HeapCheck& check, NodeId node, const hnsw::Input& input) {
  const Index& index = check.checker.index;
  const hnsw::Geometry& g = index.geometry();
  hnsw::BlockHeader header;
  check.checker.ReadBytes(node, 0, sizeof header, reinterpret_cast<uint8_t*>(&header));
  check.checker.ReadBytes(node, g.vector, static_cast<uint32_t>(g.vector_size()), check.bytes);
  const hnsw::Kernels& kernels = hnsw::GetKernels(g);
  const hnsw::Query query = kernels.make_query(index.space, input, check.query_buffer);
  const double error = kernels.error(index.space, query, {check.bytes, header.scale});
  // The vector is computed anew, perhaps by another processor, which rounds its rotation differently.
  const double rounding = 1e-5 * header.error + check.rounding * Length(index.operators, input, index.meta.dim);
  return !(error > header.error + rounding);
}

// `input`: the vector; null: it is not indexed. `keys`: of the filter columns.
void CheckTuple(HeapCheck& check, const ItemPointerData& tuple, const hnsw::Input* input, const uint8_t* keys) {
  Checker& checker = check.checker;
  const RowEntry key{tuple, false, 0, 0};
  RowEntry* const begin = std::lower_bound(checker.entries.begin(), checker.entries.end(), key, Before);
  size_t count = 0;
  for (RowEntry* entry = begin; entry != checker.entries.end() && !Before(key, *entry); ++entry, ++count) {
    entry->found = true;
    const uint8_t state = checker.StateOf(entry->node);
    if (count > 0) checker.ReportTuple(entry->node, tuple, "the heap tuple has a second row");
    if (input == nullptr) {
      checker.ReportTuple(entry->node, tuple, "the heap tuple has a row, and a value that is not indexed");
    } else if (!(state & kStateWritten)) {
      checker.ReportTuple(entry->node, tuple, "the row's node is not there");
    } else if (state & (kStateDead | kStateClosed)) {
      checker.ReportTuple(entry->node, tuple, "the row's node is marked dead, and the heap tuple is alive");
    } else if (!checker.IsChained(entry->row)) {
      checker.ReportTuple(entry->node, tuple, "the row is not among the rows of its node");
    } else {
      checker.State(entry->node) |= kVisible;
      if (!IsNear(check, entry->node, *input))
        checker.ReportTuple(entry->node, tuple,
                            "the stored vector is farther from the heap tuple's than its error says");
      if (!HasKeys(checker, entry->row, keys))
        checker.ReportTuple(entry->node, tuple, "the row's filter columns are others than the heap tuple's");
    }
  }
  if (input != nullptr && count == 0) checker.ReportTuple(kNoNode, tuple, "the heap tuple has no row");
}

// Called for each tuple of the table that the snapshot sees and the predicate lets in, with the root of its HOT chain.
void VisitTuple(Relation, ItemPointer tuple, Datum* values, bool* is_null, bool, void* state) {
  HeapCheck& check = *static_cast<HeapCheck*>(state);
  const Index& index = check.checker.index;
  const MemoryContext outer = MemoryContextSwitchTo(check.context);
  hnsw::Input input;
  const bool wanted = !is_null[0] && LoadVector(index.operators, values[0], index.meta.dim, &input);
  uint8_t keys[kMaxKeyBytes];
  if (wanted) EncodeKeys(index.meta, index.filter, values, is_null, keys);
  CheckTuple(check, *tuple, wanted ? &input : nullptr, keys);
  MemoryContextSwitchTo(outer);
  MemoryContextReset(check.context);
}

// Rows that the table did not ask for: of dead heap tuples, or of some that are not of the index.
void CheckOthers(Checker& checker) {
  const Relation heap = checker.target.heap;
  const BlockNumber blocks = RelationGetNumberOfBlocks(heap);
  TupleTableSlot* slot = table_slot_create(heap, nullptr);
  IndexFetchTableData* fetch = table_index_fetch_begin(heap);
  for (RowEntry& entry : checker.entries) {
    if (entry.found) continue;
    CHECK_FOR_INTERRUPTS();
    if (ItemPointerGetBlockNumberNoCheck(&entry.tuple) >= blocks) {
      checker.ReportTuple(entry.node, entry.tuple, "the row's heap tuple is beyond the end of the table");
      continue;
    }
    bool again = false, dead = false;
    if (table_index_fetch_tuple(fetch, &entry.tuple, checker.snapshot, slot, &again, &dead))
      checker.ReportTuple(entry.node, entry.tuple, "the heap tuple has a row, and is not of the index");
  }
  table_index_fetch_end(fetch);
  ExecDropSingleTupleTableSlot(slot);
}

}  // namespace

void CheckHeap(Checker& checker) {
  const hnsw::Geometry& g = checker.index.geometry();
  std::sort(checker.entries.begin(), checker.entries.end(), Before);
  HeapCheck check{checker, AllocSetContextCreate(CurrentMemoryContext, "hnsw check of a tuple", ALLOCSET_DEFAULT_SIZES),
                  palloc(hnsw::QueryBufferSize(g)), static_cast<uint8_t*>(palloc(g.vector_size() + 64)),
                  2.0 * checker.index.rotation.RelativeError() + 0x1p-22};
  struct IndexInfo* info = BuildIndexInfo(checker.target.index);
  info->ii_Concurrent = true;  // what the snapshot of the scan sees, and no more
  TableScanDesc scan = table_beginscan_strat(checker.target.heap, checker.snapshot, 0, nullptr, true, true);
  table_index_build_scan(checker.target.heap, checker.target.index, info, true, false, VisitTuple, &check, scan);
  MemoryContextDelete(check.context);
  CheckOthers(checker);
}

}  // namespace medvec::index
