// What scans did, for EXPLAIN and hnsw_last_scan.
#pragma once

#include "pg/server.hpp"

namespace medvec::index {

// What was read behind the walk, or instead of it.
enum class Rest {
  kNone,
  kMatches,  // the nodes of all rows that match
  kNear,     // the nodes of all rows that may be within the range
  kWhole,    // the whole index
  kTable     // rows of a set from the table, by a caller (planner/filtered_scan)
};

struct ScanCounters {
  int64 scans;  // counting rescans
  int64 nodes;  // visited: exact distances to stored vectors
  int64 pages;  // of the index that were read for them
  int64 rows;   // handed to the caller
  int64 beam;   // its width at the end
  bool walked;
  Rest rest;
  bool is_filtered;
  double matches;  // if so: rows that match, about

  // With those of a later search; its beam and matches.
  ScanCounters operator+(const ScanCounters& later) const;
  // What it did: "walk", "matches", "walk, then whole index", ...
  const char* Strategy() const;
};

// The last scan of this session; `scans` counts all there were.
extern ScanCounters last_scan;

}  // namespace medvec::index
