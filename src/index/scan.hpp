// Index scans: rows in the order of their distance, as long as the executor asks; or all within a distance.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

IndexScanDesc BeginScan(Relation index, int keys, int order_bys);
void Rescan(IndexScanDesc scan, ScanKey keys, int key_count, ScanKey order_bys, int order_by_count);
bool NextTuple(IndexScanDesc scan, ScanDirection direction);
int64 GetBitmap(IndexScanDesc scan, TIDBitmap* bitmap);
void EndScan(IndexScanDesc scan);

// What was read behind the walk, or instead of it.
enum class Rest { kNone, kMatches, kWhole };

// What the last scan of this session did.
struct ScanCounters {
  int64 scans;  // of an index so far, counting rescans
  int64 nodes;  // visited: exact distances to stored vectors
  int64 pages;  // of the index that were read for them
  int64 rows;   // handed to the executor
  int64 beam;   // its width at the end
  bool walked;
  Rest rest;
  bool is_filtered;
  double matches;  // if so: rows that match, about

  // What it did: "walk", "matches", "walk, then whole index", ...
  const char* Strategy() const;
};
extern ScanCounters last_scan;

// What a scan did in all its rescans; the beam of the last.
ScanCounters CountersOf(IndexScanDesc scan);

}  // namespace medvec::index
