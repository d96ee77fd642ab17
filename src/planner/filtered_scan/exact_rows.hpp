// The rows of a set in the exact order of their distances, by fetching and measuring each. Memory is bounded by
// work_mem: the nearest are kept, and when they have all been taken the set is read once more for the next ones.
#pragma once

#include "index/tid_set.hpp"
#include "planner/filtered_scan/rows.hpp"

namespace medvec::planner::filtered_scan {

class ExactRows {
 public:
  // Rows in `given`, which is sorted, are left out. Rows nearer than `least` (a DistanceKey) are too late for their
  // place: they come last. What it keeps is in `memory`.
  ExactRows(Rows& rows, const index::TidSet& set, const hnsw::Memory& memory, const hnsw::Array<uint64>& given,
            uint64 least)
      : rows_(rows), set_(set), memory_(memory), given_(given), least_(least) {}

  // Puts the next row into the slot. False: there are no more.
  bool Next();
  // The distance of the row given last; infinity for what comes behind.
  double distance() const { return DistanceKey::ToDouble(after_.distance + least_); }

 private:
  struct Measured {
    // A DistanceKey, less the least, so that what is nearer wraps around and comes last. No tid is 0.
    uint64 distance, tid;
    bool operator<(const Measured& other) const {
      return distance != other.distance ? distance < other.distance : tid < other.tid;
    }
  };

  static constexpr Measured kFarthest = {~uint64{0}, ~uint64{0}};

  void Read();
  void Consider(uint64 tid);
  void Shrink();

  Rows& rows_;
  const index::TidSet& set_;
  const hnsw::Memory memory_;
  const hnsw::Array<uint64>& given_;
  const uint64 least_;
  Measured after_ = {0, 0};        // the rows up to here are through
  Measured beyond_ = kFarthest;    // farther ones are not kept
  hnsw::Array<Measured> nearest_;  // a heap, nearest first, once read
  size_t capacity_ = 0;
  bool is_cut_ = false, is_read_ = false;
};

}  // namespace medvec::planner::filtered_scan
