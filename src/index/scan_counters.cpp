#include "index/scan_counters.hpp"

namespace medvec::index {

ScanCounters last_scan;

const char* ScanCounters::Strategy() const {
  switch (rest) {
    case Rest::kMatches:
      return walked ? "walk, then matches" : "matches";
    case Rest::kWhole:
      return walked ? "walk, then whole index" : "whole index";
    case Rest::kTable:
      return walked ? "walk, then rows of the table" : "rows of the table";
    default:
      return walked ? "walk" : "none";
  }
}

}  // namespace medvec::index
