// The rows of a set in the order of their distances, as a walk finds them. The walk knows distances within bounds; a
// row is measured only where its bounds overlap with those of others.
#pragma once

#include "index/filtered_walk.hpp"
#include "planner/filtered_scan/rows.hpp"

namespace medvec::planner::filtered_scan {

// The rows that a scan has given, by whatever strategy.
struct Given {
  hnsw::Array<uint64> tids;
  double farthest = -std::numeric_limits<double>::infinity();  // at most as far were all of them

  uint64 floor() const { return tids.size == 0 ? 0 : DistanceKey::Of(farthest); }
};

class WalkedRows {
 public:
  // The walk has been started. What has been `given` before is left out, and what is nearer. The first row comes when
  // `wanted` rows that meet all conditions are known: so many are then sure to come, in order, though the walk may
  // later find some that are nearer.
  WalkedRows(Rows& rows, index::FilteredWalk& walk, const hnsw::Memory& memory, double wanted, Given& given)
      : rows_(rows), walk_(walk), memory_(memory), wanted_(wanted), given_(given), given_before_(given.tids.size) {}

  // Puts the next row into the slot. False: the walk leads to no more, or it is not worth while to go on.
  bool Next();

  // Rows that the walk came to.
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
  Given& given_;
  const size_t given_before_;  // these are in order
  uint64 seen_ = 0;
  bool ended_ = false;
};

}  // namespace medvec::planner::filtered_scan
