#include "index/answer_queue.hpp"

#include <algorithm>

namespace medvec::index {

namespace {

// A sorted answer: what of it is needed further.
enum Column { kLate, kBound, kUpper, kNode, kTarget, kOrigin, kColumns };

constexpr auto kIsLater = [](const Ranked& a, const Ranked& b) {
  return a.is_late != b.is_late ? a.is_late : a.answer.bound > b.answer.bound;
};

}  // namespace

void AnswerQueue::Put(const Ranked& ranked) {
  if (sort_ != nullptr) return PutIntoSort(ranked);
  heap_.Append(memory_, ranked);
  std::push_heap(heap_.begin(), heap_.end(), kIsLater);
  if (heap_.size <= most_) return;

  const TupleDesc columns = CreateTemplateTupleDesc(kColumns);
  for (int i = 0; i < kColumns; ++i)
    TupleDescInitEntry(columns, static_cast<AttrNumber>(i + 1), nullptr, i <= kUpper ? FLOAT8OID : INT8OID, -1, 0);
  got_ = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
  put_ = MakeSingleTupleTableSlot(columns, &TTSOpsVirtual);
  AttrNumber keys[] = {kLate + 1, kBound + 1};
  Oid less[] = {Float8LessOperator, Float8LessOperator}, collations[] = {InvalidOid, InvalidOid};
  bool nulls_first[] = {false, false};
  sort_ = tuplesort_begin_heap(columns, 2, keys, less, collations, nulls_first, work_mem, nullptr, TUPLESORT_NONE);
  for (const Ranked& other : heap_) PutIntoSort(other);
  heap_.Free(memory_);
}

void AnswerQueue::PutIntoSort(const Ranked& ranked) {
  const hnsw::Answer& answer = ranked.answer;
  ExecClearTuple(put_);
  put_->tts_values[kLate] = Float8GetDatum(ranked.is_late);
  put_->tts_values[kBound] = Float8GetDatum(answer.bound);
  put_->tts_values[kUpper] = Float8GetDatum(answer.upper);
  put_->tts_values[kNode] = Int64GetDatum(static_cast<int64>(answer.flags) << 32 | answer.node);
  put_->tts_values[kTarget] = Int64GetDatum(answer.target);
  put_->tts_values[kOrigin] = Int64GetDatum(static_cast<int64>(answer.origin[1]) << 32 | answer.origin[0]);
  memset(put_->tts_isnull, 0, kColumns * sizeof(bool));
  ExecStoreVirtualTuple(put_);
  tuplesort_puttupleslot(sort_, put_);
}

const Ranked* AnswerQueue::Peek() {
  if (sort_ == nullptr) return heap_.size == 0 ? nullptr : heap_.data;
  if (!is_sorted_) {
    tuplesort_performsort(sort_);
    is_sorted_ = true;
    Fetch();
  }
  return has_ahead_ ? &ahead_ : nullptr;
}

void AnswerQueue::Pop() {
  if (sort_ != nullptr) return Fetch();
  std::pop_heap(heap_.begin(), heap_.end(), kIsLater);
  --heap_.size;
}

void AnswerQueue::Fetch() {
  has_ahead_ = tuplesort_gettupleslot(sort_, true, false, got_, nullptr);
  if (!has_ahead_) return;
  slot_getallattrs(got_);
  const uint64 node = static_cast<uint64>(DatumGetInt64(got_->tts_values[kNode]));
  const uint64 origin = static_cast<uint64>(DatumGetInt64(got_->tts_values[kOrigin]));
  ahead_ = {{DatumGetFloat8(got_->tts_values[kBound]),
             DatumGetFloat8(got_->tts_values[kUpper]),
             static_cast<hnsw::NodeId>(node),
             0,
             0,
             static_cast<uint32_t>(DatumGetInt64(got_->tts_values[kTarget])),
             {static_cast<uint32_t>(origin), static_cast<uint32_t>(origin >> 32)},
             static_cast<uint8_t>(node >> 32)},
            DatumGetFloat8(got_->tts_values[kLate]) != 0};
}

void AnswerQueue::End() {
  if (sort_ != nullptr) tuplesort_end(sort_);
  if (got_ != nullptr) ExecDropSingleTupleTableSlot(got_);
  if (put_ != nullptr) ExecDropSingleTupleTableSlot(put_);
  sort_ = nullptr, got_ = put_ = nullptr;
}

}  // namespace medvec::index
