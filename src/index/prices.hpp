// What reading matching rows costs, in visits of a walk, whose pages are read in no order (1.2 us at 128 dimensions).
// Measured: docs/decisions/0020-row-pages.md.
#pragma once

#include <algorithm>

namespace medvec::index {

// Looking at a row's keys, by its page.
inline constexpr double kRowPrice = 1.0 / 2400;
// Reading the node of a match, in order of address.
inline constexpr double kReadPrice = 0.4;
// Estimating the distance of a match; and reading those that may be among the first answers.
inline constexpr double kEstimatePrice = 1.0 / 30, kFirstReads = 50;
// So many are read without an estimate before.
inline constexpr double kFewMatches = 200;

inline double PriceOfMatches(double rows, double matches, bool has_codes) {
  const double read = kReadPrice * matches;
  const bool estimates = has_codes && matches > kFewMatches;
  return kRowPrice * rows + (estimates ? std::min(read, kEstimatePrice * matches + kFirstReads) : read);
}

}  // namespace medvec::index
