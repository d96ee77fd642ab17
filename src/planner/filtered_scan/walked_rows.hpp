// The rows of a set in the order of their distances, as a walk finds them. The walk knows distances within bounds; a row
// is measured only where its bounds overlap with those of others.
#pragma once

#include "index/filtered_walk.hpp"
#include "planner/filtered_scan/rows.hpp"

namespace medvec::planner::filtered_scan {

class WalkedRows {
 public:
  // The walk has been started. The first row comes when `wanted` rows that meet all conditions are known: so many are
  // then sure to come, in order, though the walk may later find some that are nearer.
  WalkedRows(Rows& rows, index::FilteredWalk& walk, const hnsw::Memory& memory, double wanted)
      : rows_(rows), walk_(walk), memory_(memory), wanted_(wanted) {}

  // Puts the next row into the slot. False: the walk leads to no more, or it is not worth while to go on.
  bool Next();

  // What has been given; and that no later row may be nearer than this.
  hnsw::Array<uint64>& given() { return given_; }
  uint64 floor() const { return given_.size == 0 ? 0 : DistanceKey::Of(floor_); }
  // Rows of the set that the walk came to.
  uint64 seen() const { return seen_; }

 private:
  struct Row {
    double lower, upper;  // equal: measured
    uint64 tid;
  };
  static bool Later(const Row& a, const Row& b) { return a.lower > b.lower; }

  bool Pull();
  void Push(const Row& row);
  Row Pop();
  Row Measure(const Row& row);

  Rows& rows_;
  index::FilteredWalk& walk_;
  const hnsw::Memory memory_;
  const double wanted_;
  hnsw::Array<Row> queue_;  // a heap, least bound first
  hnsw::Array<uint64> given_;
  double floor_ = 0;
  uint64 seen_ = 0;
  bool ended_ = false;
};

}  // namespace medvec::planner::filtered_scan
