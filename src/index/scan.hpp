// Index scans, in order or of a range of distance: the access method's front end of OrderedScan.
#pragma once

#include "index/scan_counters.hpp"
#include "pg/index.hpp"

namespace medvec::index {

IndexScanDesc BeginScan(Relation index, int keys, int order_bys);
void Rescan(IndexScanDesc scan, ScanKey keys, int key_count, ScanKey order_bys, int order_by_count);
bool NextTuple(IndexScanDesc scan, ScanDirection direction);
int64 GetBitmap(IndexScanDesc scan, TIDBitmap* bitmap);
void EndScan(IndexScanDesc scan);

// What a scan did in all its rescans; the beam of the last.
ScanCounters CountersOf(IndexScanDesc scan);

}  // namespace medvec::index
