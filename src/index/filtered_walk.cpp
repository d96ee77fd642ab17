#include "index/filtered_walk.hpp"

#include <algorithm>

#include "index/scan.hpp"

namespace medvec::index {

constexpr size_t kFirstLook = 4;

FilteredWalk::FilteredWalk(Relation index)
    : index_(*OpenIndex(index)),
      graph_(index_),
      rows_(index_),
      query_(index_),
      context_(AllocSetContextCreate(CurrentMemoryContext, "hnsw filtered walk", ALLOCSET_DEFAULT_SIZES)) {}

bool FilteredWalk::Start(Datum query, bool is_null, const RowTest& test, size_t budget) {
  End();
  const MemoryContext outer = MemoryContextSwitchTo(context_);
  test_ = test;
  budget_ = budget;
  matches_ = 0;
  query_.Load(index_, query, is_null);
  const bool is_vector = query_.kind == QueryKind::kVector;
  if (is_vector) {
    // A standby's snapshot may see rows that are dead to everybody on the primary.
    const uint8_t without = TransactionStartedDuringRecovery() ? hnsw::kDead : hnsw::kDead | hnsw::kHidden;
    search_ = NewSearch(index_, graph_, ServerMemory(context_), &query_, without, Accept{this});
    search_->SetBudget(budget);
    pgstat_count_index_scan(index_.relation);
    const int64 scans = last_scan.scans;
    last_scan = {};
    last_scan.scans = scans + 1;
    reads_before_ = graph_.reads();
  }
  MemoryContextSwitchTo(outer);
  return is_vector;
}

FilteredWalk::Result FilteredWalk::Next() {
  const MemoryContext outer = MemoryContextSwitchTo(context_);
  const double allowed = settings::scan_mem_multiplier * work_mem * 1024.0;
  Result result = Result::kAnswer;
  // The beam doubles when it is widened, and so does its memory.
  if (search_->WouldWiden() && 2.0 * static_cast<double>(MemoryContextMemAllocated(context_, true)) > allowed)
    result = Result::kSpent;
  else if (!search_->Next(&answer_, false))
    result = search_->is_spent() ? Result::kSpent : Result::kEnd;
  if (result == Result::kAnswer) {
    Collect(answer_);
    size_t kept = 0;
    for (const ItemPointerData& tuple : tuples_)
      if (test_(tuple)) tuples_[kept++] = tuple;
    tuples_.size = kept;
    last_scan.rows += static_cast<int64>(kept);
  }
  last_scan.nodes = static_cast<int64>(search_->hops());
  last_scan.pages = static_cast<int64>(graph_.reads() - reads_before_);
  last_scan.beam = static_cast<int64>(search_->width());
  MemoryContextSwitchTo(outer);
  return result;
}

void FilteredWalk::Hide() {
  if (!(answer_.flags & hnsw::kShared) && tuples_.size == 1) graph_.Hide(answer_.node, answer_.target, tuples_[0]);
}

void FilteredWalk::End() {
  visited_before_ = nodes_visited();
  search_ = nullptr;
  tuples_ = {};
  MemoryContextReset(context_);
}

void FilteredWalk::Collect(const hnsw::Answer& answer) {
  const hnsw::Memory memory = ServerMemory(context_);
  tuples_.size = 0;
  if (answer.flags & hnsw::kShared)
    rows_.Collect(answer.target, answer.node, memory, &tuples_);
  else
    tuples_.Append(memory, OriginTuple(answer.origin));
}

bool FilteredWalk::HasRow(const hnsw::Answer& answer) {
  bool passes;
  if (answer.flags & hnsw::kShared) {
    Collect(answer);
    passes = std::any_of(tuples_.begin(), tuples_.end(), test_);
  } else {
    passes = test_(OriginTuple(answer.origin));
  }
  matches_ += passes;
  // Where a part of the budget shows that the whole will not do, the rest is saved.
  const size_t visited = search_->hops() + 1, ef = static_cast<size_t>(settings::ef_search);
  if (visited >= budget_ / kFirstLook && matches_ < ef && matches_ * (budget_ / visited) < ef) search_->SetBudget(0);
  return passes;
}

}  // namespace medvec::index
