// The rows of a set in the exact order of their distances, by fetching and measuring each. Memory is bounded by
// work_mem: the nearest are kept, and when they have all been taken the set is read once more for the next ones.
#pragma once

#include "index/tid_set.hpp"
#include "planner/filtered_scan/rows.hpp"

namespace medvec::planner::filtered_scan {

class ExactRows {
 public:
  // Rows in `given`, which is sorted, and rows nearer than `least` (a DistanceKey) are left out. What it keeps is in
  // `memory`.
  ExactRows(Rows& rows, const index::TidSet& set, const hnsw::Memory& memory, const hnsw::Array<uint64>& given,
            uint64 least)
      : rows_(rows), set_(set), memory_(memory), given_(given), after_{least, 0} {}

  // Puts the next row into the slot. False: there are no more.
  bool Next();

 private:
  struct Measured {
    uint64 distance, tid;  // a DistanceKey; no tid is 0
    bool operator<(const Measured& other) const {
      return distance != other.distance ? distance < other.distance : tid < other.tid;
    }
  };

  void Read();
  void Consider(uint64 tid);
  void Shrink();

  Rows& rows_;
  const index::TidSet& set_;
  const hnsw::Memory memory_;
  const hnsw::Array<uint64>& given_;
  Measured after_;                                      // the rows up to here are through
  Measured beyond_ = {DistanceKey::kNull, ~uint64{0}};  // farther ones are not kept
  hnsw::Array<Measured> nearest_;                       // a heap, nearest first, once read
  size_t capacity_ = 0;
  bool is_cut_ = false, is_read_ = false;
};

}  // namespace medvec::planner::filtered_scan
