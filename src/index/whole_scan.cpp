#include "index/whole_scan.hpp"

#include <algorithm>

namespace medvec::index {

namespace {

// A sorted answer: what of it is needed further.
enum Column { kBound, kUpper, kNode, kTarget, kOrigin, kColumns };
constexpr int kAhead = 16;  // pages asked for ahead

}  // namespace

void WholeScan::Read(hnsw::Query& query, const hnsw::Bound& bound, uint8_t without, double least,
                     hnsw::Array<NodeId>& given) {
  std::sort(given.begin(), given.end());
  const TupleDesc columns = CreateTemplateTupleDesc(kColumns);
  for (int i = 0; i < kColumns; ++i)
    TupleDescInitEntry(columns, static_cast<AttrNumber>(i + 1), nullptr, i <= kUpper ? FLOAT8OID : INT8OID, -1, 0);
  slot_ = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
  AttrNumber key = kBound + 1;
  Oid less = Float8LessOperator, collation = InvalidOid;
  bool nulls_first = false;
  sort_ = tuplesort_begin_heap(columns, 1, &key, &less, &collation, &nulls_first, work_mem, nullptr, TUPLESORT_NONE);
  TupleTableSlot* put = MakeSingleTupleTableSlot(columns, &TTSOpsVirtual);

  const hnsw::Geometry& g = index_.geometry();
  const hnsw::Kernels& kernels = hnsw::GetKernels(g);
  const BlockNumber end = RelationGetNumberOfBlocks(index_.relation);
  for (BlockNumber block = kCentreBlock + index_.meta.centre_pages; block < end; ++block) {
    if (block + kAhead < end) PrefetchBuffer(index_.relation, MAIN_FORKNUM, block + kAhead);
    bool upper;
    if (!IsGroup(index_.relation, block, &upper) || upper) continue;
    for (uint32_t i = 0; i < index_.meta.blocks_per_group; ++i) {
      const NodeId node = block * index_.meta.blocks_per_group + i;
      const uint8_t* stored = graph_.ReadSlot(node);
      const hnsw::BlockHeader& header = hnsw::Header(stored);
      const bool wanted = (header.flags & hnsw::kWritten) && !(header.flags & without);
      hnsw::Answer answer;
      if (wanted) answer = hnsw::AnswerOf(g, bound, node, stored, kernels.visit(index_.space, query, stored).rank);
      graph_.Release(node);
      if (!wanted || answer.bound < least || std::binary_search(given.begin(), given.end(), node)) continue;
      ExecClearTuple(put);
      put->tts_values[kBound] = Float8GetDatum(answer.bound);
      put->tts_values[kUpper] = Float8GetDatum(answer.upper);
      put->tts_values[kNode] = Int64GetDatum(static_cast<int64>(answer.flags) << 32 | answer.node);
      put->tts_values[kTarget] = Int64GetDatum(answer.target);
      put->tts_values[kOrigin] = Int64GetDatum(static_cast<int64>(answer.origin[1]) << 32 | answer.origin[0]);
      memset(put->tts_isnull, 0, kColumns * sizeof(bool));
      ExecStoreVirtualTuple(put);
      tuplesort_puttupleslot(sort_, put);
    }
  }
  ExecDropSingleTupleTableSlot(put);
  tuplesort_performsort(sort_);
  Fetch();
}

bool WholeScan::Next(hnsw::Answer* answer) {
  if (!has_ahead_) return false;
  *answer = ahead_;
  Fetch();
  return true;
}

void WholeScan::Fetch() {
  has_ahead_ = tuplesort_gettupleslot(sort_, true, false, slot_, nullptr);
  if (!has_ahead_) return;
  slot_getallattrs(slot_);
  const uint64 node = static_cast<uint64>(DatumGetInt64(slot_->tts_values[kNode]));
  const uint64 origin = static_cast<uint64>(DatumGetInt64(slot_->tts_values[kOrigin]));
  ahead_ = {DatumGetFloat8(slot_->tts_values[kBound]),
            DatumGetFloat8(slot_->tts_values[kUpper]),
            static_cast<NodeId>(node),
            0,
            0,
            static_cast<uint32_t>(DatumGetInt64(slot_->tts_values[kTarget])),
            {static_cast<uint32_t>(origin), static_cast<uint32_t>(origin >> 32)},
            static_cast<uint8_t>(node >> 32)};
}

void WholeScan::End() {
  if (sort_ != nullptr) tuplesort_end(sort_);
  if (slot_ != nullptr) ExecDropSingleTupleTableSlot(slot_);
  sort_ = nullptr;
  slot_ = nullptr;
}

}  // namespace medvec::index
