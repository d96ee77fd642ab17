// How far a scan has to go: its conditions `v <<-> ROW(q, r)` (types/within.hpp).
#pragma once

#include <cmath>
#include <limits>

#include "index/index.hpp"

namespace medvec::index {

class Range {
 public:
  // None.
  Range() = default;
  // Conditions limit a scan whose query, that of ORDER BY, is theirs; without ORDER BY the first condition's query
  // becomes the scan's. Others are left to the executor.
  Range(const Index& index, const ScanKeyData* keys, int count, const ScanKeyData* order_by);

  // Whether distances from the scan's query are limited.
  bool is_limited() const { return is_limited_; }
  // Whether no row can match: a condition that compares with NULL.
  bool is_never() const { return is_never_; }
  // That of the scan, if it is ordered or limited.
  Datum query() const { return query_; }
  // The query has no distances but NaN.
  void SetNowhere() {
    is_never_ |= is_limited_ && !(inclusive_ && std::isnan(radius_));
    is_limited_ = false;
  }

  // No row at this distance or farther is within.
  bool Excludes(double bound) const { return is_limited_ && (inclusive_ ? bound > radius_ : bound >= radius_); }
  // Rows at this distance or nearer are within, for certain.
  bool Includes(double upper) const {
    if (is_open_) return false;
    return !is_limited_ ||
           (upper < std::numeric_limits<double>::infinity() && (inclusive_ ? upper <= radius_ : upper < radius_));
  }

 private:
  void Limit(double radius, bool inclusive);

  Datum query_ = 0;
  double radius_ = 0;
  bool inclusive_ = false;
  bool is_limited_ = false, is_never_ = false;
  bool is_open_ = false;  // there is a condition that we do not decide
};

}  // namespace medvec::index
