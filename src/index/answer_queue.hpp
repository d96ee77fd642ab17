// Answers in the order of their bounds; those that are too late for their place come behind all others. In memory as
// far as work_mem goes, beyond that by a sort that goes to disk.
#pragma once

#include "core/hnsw/search.hpp"
#include "index/index.hpp"

namespace medvec::index {

struct Ranked {
  hnsw::Answer answer;
  bool is_late;
};

class AnswerQueue {
 public:
  // Lives in the memory context that is current now.
  AnswerQueue() : memory_(ServerMemory()), most_(static_cast<size_t>(work_mem) * 1024 / sizeof(Ranked)) {}

  // Whether there is no more room in memory. Then Peek ends the time of Put.
  bool is_full() const { return sort_ != nullptr || heap_.size >= most_; }
  void Put(const Ranked& ranked);
  // The next; null: there is none. Valid until Put or Pop.
  const Ranked* Peek();
  void Pop();
  void End();

 private:
  void PutIntoSort(const Ranked& ranked);
  void Fetch();

  hnsw::Memory memory_;
  size_t most_;
  hnsw::Array<Ranked> heap_ = {};
  Tuplesortstate* sort_ = nullptr;  // null: all are in the heap
  TupleTableSlot *put_ = nullptr, *got_ = nullptr;
  bool is_sorted_ = false, has_ahead_ = false;
  Ranked ahead_;  // what was fetched from the sort
};

}  // namespace medvec::index
