#include "planner/filtered_scan/exact_rows.hpp"

#include <algorithm>

namespace medvec::planner::filtered_scan {

bool ExactRows::Next() {
  const auto later = [](const Measured& a, const Measured& b) { return b < a; };
  for (;;) {
    if (nearest_.size == 0) {
      if (is_read_ && !is_cut_) return false;
      Read();
      std::make_heap(nearest_.begin(), nearest_.end(), later);
      if (nearest_.size == 0) return false;
    }
    std::pop_heap(nearest_.begin(), nearest_.end(), later);
    after_ = nearest_[--nearest_.size];
    if (rows_.Fetch(after_.tid)) return true;
  }
}

void ExactRows::Read() {
  capacity_ = std::max<size_t>(1024, static_cast<size_t>(work_mem) * 1024 / sizeof(Measured));
  is_cut_ = false, is_read_ = true;
  beyond_ = kFarthest;
  const BlockNumber end = RelationGetNumberOfBlocks(rows_.relation());
  set_.ForEach(
      [&](BlockNumber block, OffsetNumber offset) {
        CHECK_FOR_INTERRUPTS();
        Consider(TidKey(block, offset));
      },
      [&](BlockNumber block) {
        if (block < end) PrefetchBuffer(rows_.relation(), MAIN_FORKNUM, block);
      });
}

void ExactRows::Consider(uint64 tid) {
  if (std::binary_search(given_.data, given_.data + given_.size, tid)) return;
  if (!rows_.Fetch(tid) || !rows_.Passes()) return;
  bool is_null;
  const double distance = rows_.Distance(&is_null);
  const Measured row = {(is_null ? DistanceKey::kNull : DistanceKey::Of(distance)) - least_, tid};
  if (!(after_ < row)) return;
  if (beyond_ < row) {
    is_cut_ = true;
    return;
  }
  nearest_.Append(memory_, row);
  if (nearest_.size == capacity_) Shrink();
}

// Keeps the nearer half.
void ExactRows::Shrink() {
  Measured* middle = nearest_.begin() + nearest_.size / 2;
  std::nth_element(nearest_.begin(), middle, nearest_.end());
  beyond_ = *middle;
  nearest_.size /= 2;
  is_cut_ = true;
}

}  // namespace medvec::planner::filtered_scan
