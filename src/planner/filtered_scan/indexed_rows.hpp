// Rows in the order of their distances, from the index. It knows distances within bounds; a row is measured only where
// its bounds overlap with those of others.
#pragma once

#include <algorithm>

#include "index/ordered_scan.hpp"
#include "planner/filtered_scan/rows.hpp"

namespace medvec::planner::filtered_scan {

// The rows that a scan has given, by whatever strategy.
struct Given {
  hnsw::Array<uint64> tids;
  double farthest = -std::numeric_limits<double>::infinity();  // at most as far were all of them

  uint64 floor() const { return tids.size == 0 ? 0 : DistanceKey::Of(farthest); }
};

class IndexedRows {
 public:
  // The scan has been started. What has been `given` before is left out, and what is nearer. The first row comes when
  // `wanted` rows that meet all conditions are known, or as many as work_mem has room for: so many are then sure to
  // come, in order, though the scan may later find some that are nearer. Those come last if it `is_all` there is.
  IndexedRows(Rows& rows, index::OrderedScan& scan, const hnsw::Memory& memory, double wanted, bool is_all,
              Given& given)
      : rows_(rows),
        scan_(scan),
        memory_(memory),
        wanted_(std::clamp(wanted, 1.0, 1024.0 * work_mem / sizeof(Row))),
        is_all_(is_all),
        given_(given),
        given_before_(given.tids.size) {}

  // Puts the next row into the slot. False: the scan has no more, or it is not worth while to go on. There may be rows
  // that were found too late for their place.
  bool Next();
  // The same as the scan finds them, none measured; `bound`: of the row, the least that it may be away. False: the scan
  // has no more, or has given up.
  bool NextByBound(double* bound);

 private:
  struct Row {
    double lower, upper;  // equal: measured
    uint64 tid;
  };
  static bool Later(const Row& a, const Row& b) { return a.lower > b.lower; }

  bool Counts(const index::FoundRow& found);
  bool Pull();
  bool NextLate();
  void Push(const Row& row);
  Row Pop();
  Row Measure(const Row& row);

  Rows& rows_;
  index::OrderedScan& scan_;
  const hnsw::Memory memory_;
  const double wanted_;
  const bool is_all_;
  hnsw::Array<Row> queue_ = {};    // a heap, least bound first
  hnsw::Array<uint64> late_ = {};  // found too late for their place
  Given& given_;
  const size_t given_before_;  // these are in order
  bool ended_ = false;
};

}  // namespace medvec::planner::filtered_scan
