#include "index/filtered_walk.hpp"

#include "index/scan.hpp"

namespace medvec::index {

namespace {

// Rows of a node that are asked under its block's lock. A node of more counts as one with a row in the set.
constexpr int kMostAsked = 64;

}  // namespace

FilteredWalk::FilteredWalk(Relation index)
    : index_(*OpenIndex(index)),
      graph_(index_),
      rows_(index_),
      query_(index_),
      context_(AllocSetContextCreate(CurrentMemoryContext, "hnsw filtered walk", ALLOCSET_DEFAULT_SIZES)) {}

bool FilteredWalk::Start(Datum query, bool is_null, const TidSet& set, size_t budget) {
  End();
  const MemoryContext outer = MemoryContextSwitchTo(context_);
  set_ = &set;
  query_.Load(index_, query, is_null);
  const bool is_vector = query_.kind == QueryKind::kVector;
  if (is_vector) {
    // A standby's snapshot may see rows that are dead to everybody on the primary.
    const uint8_t without = TransactionStartedDuringRecovery() ? hnsw::kDead : hnsw::kDead | hnsw::kHidden;
    search_ = NewSearch(index_, graph_, ServerMemory(context_), &query_, without, InSet{set_, &rows_});
    search_->SetBudget(budget);
    // The directory of rows is not read under a block's lock.
    if (!rows_.Knows(0)) rows_.Load();
    pgstat_count_index_scan(index_.relation);
    const int64 scans = last_scan.scans;
    last_scan = {};
    last_scan.scans = scans + 1;
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
    const hnsw::Memory memory = ServerMemory(context_);
    tuples_.size = 0;
    if (answer_.flags & hnsw::kShared)
      rows_.Collect(answer_.target, answer_.node, memory, &tuples_);
    else
      tuples_.Append(memory, OriginTuple(answer_.origin));
    size_t kept = 0;
    for (const ItemPointerData& tuple : tuples_)
      if (set_->Contains(tuple)) tuples_[kept++] = tuple;
    tuples_.size = kept;
    last_scan.rows += static_cast<int64>(kept);
  }
  last_scan.nodes = static_cast<int64>(search_->hops());
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

bool FilteredWalk::InSet::operator()(NodeId node, const uint8_t* block) const {
  const hnsw::BlockHeader& header = hnsw::Header(block);
  if (header.flags & hnsw::kShared)
    return rows->AnyOf(header.target, node, kMostAsked, [this](const ItemPointerData& tuple) { return set->Contains(tuple); });
  return set->Contains(OriginTuple(header.origin));
}

}  // namespace medvec::index
