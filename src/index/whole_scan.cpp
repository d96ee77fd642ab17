#include "index/whole_scan.hpp"

#include <algorithm>

namespace medvec::index {

namespace {

// A sorted answer: what of it is needed further.
enum Column { kLate, kBound, kUpper, kNode, kTarget, kOrigin, kColumns };
constexpr int kAhead = 16;  // pages asked for ahead
constexpr size_t kNodesAhead = 8;

}  // namespace

WholeScan::WholeScan(Index& index, PageGraph& graph, hnsw::Query& query, const hnsw::Bound& bound, uint8_t without,
                     const Accept& accept, double least)
    : index_(index), graph_(graph), query_(query), bound_(bound), without_(without), accept_(accept), least_(least) {
  const TupleDesc columns = CreateTemplateTupleDesc(kColumns);
  for (int i = 0; i < kColumns; ++i)
    TupleDescInitEntry(columns, static_cast<AttrNumber>(i + 1), nullptr, i <= kUpper ? FLOAT8OID : INT8OID, -1, 0);
  slot_ = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
  put_ = MakeSingleTupleTableSlot(columns, &TTSOpsVirtual);
  AttrNumber keys[] = {kLate + 1, kBound + 1};
  Oid less[] = {Float8LessOperator, Float8LessOperator}, collations[] = {InvalidOid, InvalidOid};
  bool nulls_first[] = {false, false};
  sort_ = tuplesort_begin_heap(columns, 2, keys, less, collations, nulls_first, work_mem, nullptr, TUPLESORT_NONE);
}

void WholeScan::ReadAll(hnsw::Array<NodeId>& given) {
  std::sort(given.begin(), given.end());
  const BlockNumber end = RelationGetNumberOfBlocks(index_.relation);
  for (BlockNumber block = kCentreBlock + index_.meta.centre_pages; block < end; ++block) {
    if (block + kAhead < end) PrefetchBuffer(index_.relation, MAIN_FORKNUM, block + kAhead);
    bool upper;
    if (!IsGroup(index_.relation, block, &upper) || upper) continue;
    for (uint32_t i = 0; i < index_.meta.blocks_per_group; ++i) Take(block * index_.meta.blocks_per_group + i, given);
  }
  Sort();
}

void WholeScan::Read(const hnsw::Array<NodeId>& nodes, hnsw::Array<NodeId>& given) {
  std::sort(given.begin(), given.end());
  for (size_t i = 0; i < nodes.size; ++i) {
    if (i + kNodesAhead < nodes.size) graph_.Prefetch(nodes[i + kNodesAhead]);
    Take(nodes[i], given);
  }
  Sort();
}

void WholeScan::Take(NodeId node, hnsw::Array<NodeId>& given) {
  const uint8_t* stored = graph_.ReadSlot(node);
  const hnsw::BlockHeader& header = hnsw::Header(stored);
  bool wanted = (header.flags & hnsw::kWritten) && !(header.flags & without_) && header.level == 0;
  hnsw::Answer answer;
  if (wanted) {
    ++visits_;
    const float rank = hnsw::GetKernels(index_.geometry()).visit(index_.space, query_, stored).rank;
    answer = hnsw::AnswerOf(index_.geometry(), bound_, node, stored, rank);
    wanted = accept_(&answer, stored);
  }
  graph_.Release(node);
  if (wanted && !std::binary_search(given.begin(), given.end(), node)) Put(answer);
}

void WholeScan::Put(const hnsw::Answer& answer) {
  ExecClearTuple(put_);
  const bool is_ordered = least_ < std::numeric_limits<double>::infinity();
  put_->tts_values[kLate] = Float8GetDatum(answer.bound < least_ ? 1 : 0);
  put_->tts_values[kBound] = Float8GetDatum(is_ordered ? answer.bound : 0);
  put_->tts_values[kUpper] = Float8GetDatum(answer.upper);
  put_->tts_values[kNode] = Int64GetDatum(static_cast<int64>(answer.flags) << 32 | answer.node);
  put_->tts_values[kTarget] = Int64GetDatum(answer.target);
  put_->tts_values[kOrigin] = Int64GetDatum(static_cast<int64>(answer.origin[1]) << 32 | answer.origin[0]);
  memset(put_->tts_isnull, 0, kColumns * sizeof(bool));
  ExecStoreVirtualTuple(put_);
  tuplesort_puttupleslot(sort_, put_);
}

void WholeScan::Sort() {
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
  if (put_ != nullptr) ExecDropSingleTupleTableSlot(put_);
  put_ = nullptr;
  sort_ = nullptr;
  slot_ = nullptr;
}

}  // namespace medvec::index
