#include "planner/filtered_scan/indexed_rows.hpp"

#include <algorithm>
#include <cmath>

namespace medvec::planner::filtered_scan {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool IndexedRows::Next() {
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    const std::optional<double> ahead = ended_ ? kInfinity : scan_.PeekBound();
    const bool is_enough = given_.tids.size > 0 || static_cast<double>(queue_.size) >= wanted_;
    if (!ended_ && (queue_.size == 0 || !is_enough || !ahead || *ahead < queue_[0].lower)) {
      if (!Pull()) return false;
      continue;
    }
    if (queue_.size == 0) return NextLate();
    const Row row = Pop();
    const bool is_measured = row.lower == row.upper;
    const double next = queue_.size == 0 ? *ahead : std::min(*ahead, queue_[0].lower);
    const bool is_late = row.lower < given_.farthest;
    if ((row.upper > next || is_late) && !is_measured) {
      Push(Measure(row));
      continue;
    }
    if (is_late) {
      if (is_all_) late_.Append(memory_, row.tid);
      continue;
    }
    if (!rows_.Fetch(row.tid)) continue;
    given_.farthest = row.upper;
    given_.tids.Append(memory_, row.tid);
    return true;
  }
}

bool IndexedRows::NextLate() {
  while (late_.size > 0)
    if (rows_.Fetch(late_[--late_.size])) return true;
  return false;
}

bool IndexedRows::NextByBound(double* bound) {
  index::FoundRow found;
  while (scan_.Next(&found)) {
    CHECK_FOR_INTERRUPTS();
    const uint64 tid = TidKey(found.tuple);
    if (!Counts(found) || (found.tested && !rows_.Fetch(tid))) continue;
    given_.tids.Append(memory_, tid);
    // Without a distance any order is right.
    *bound = scan_.kind() == index::QueryKind::kVector ? scan_.lower() : kInfinity;
    return true;
  }
  return false;
}

// Whether the row given last was not given before, is there, and meets all conditions. It is in the slot unless the
// scan has tested it.
bool IndexedRows::Counts(const index::FoundRow& found) {
  const uint64 tid = TidKey(found.tuple);
  if (std::binary_search(given_.tids.data, given_.tids.data + given_before_, tid)) return false;
  if (found.tested) return true;
  bool all_dead = false;
  if (rows_.Fetch(tid, &all_dead)) return rows_.Passes();
  if (all_dead) scan_.Hide();
  return false;
}

// Takes the scan's next row. False: it has given up.
bool IndexedRows::Pull() {
  index::FoundRow found;
  if (!scan_.Next(&found)) {
    ended_ = true;
    return !scan_.gave_up();
  }
  if (!Counts(found)) return true;
  // Without a distance any order is right.
  const bool has_distance = scan_.kind() == index::QueryKind::kVector;
  Push({has_distance ? scan_.lower() : -kInfinity, has_distance ? scan_.upper() : -kInfinity, TidKey(found.tuple)});
  return true;
}

void IndexedRows::Push(const Row& row) {
  queue_.Append(memory_, row);
  std::push_heap(queue_.begin(), queue_.end(), Later);
}

IndexedRows::Row IndexedRows::Pop() {
  std::pop_heap(queue_.begin(), queue_.end(), Later);
  return queue_[--queue_.size];
}

IndexedRows::Row IndexedRows::Measure(const Row& row) {
  bool is_null = true;
  double distance = kInfinity;
  if (rows_.Fetch(row.tid)) distance = rows_.Distance(&is_null);
  if (is_null || std::isnan(distance)) distance = kInfinity;
  return {distance, distance, row.tid};
}

}  // namespace medvec::planner::filtered_scan
