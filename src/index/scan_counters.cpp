#include "index/scan_counters.hpp"

#include <algorithm>

namespace medvec::index {

ScanCounters last_scan;

ScanCounters ScanCounters::operator+(const ScanCounters& later) const {
  const bool is_later = later.walked || later.is_filtered || later.nodes > 0 || later.beam > 0;
  ScanCounters sum = is_later ? later : *this;
  sum.scans = scans + later.scans, sum.nodes = nodes + later.nodes;
  sum.pages = pages + later.pages, sum.rows = rows + later.rows;
  sum.walked = walked || later.walked;
  sum.rest = std::max(rest, later.rest);
  return sum;
}

const char* ScanCounters::Strategy() const {
  switch (rest) {
    case Rest::kMatches:
      return walked ? "walk, then matches" : "matches";
    case Rest::kNear:
      return walked ? "walk, then range" : "range";
    case Rest::kWhole:
      return walked ? "walk, then whole index" : "whole index";
    case Rest::kTable:
      return walked ? "walk, then rows of the table" : "rows of the table";
    default:
      return walked ? "walk" : "none";
  }
}

}  // namespace medvec::index
