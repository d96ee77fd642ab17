// What the parts of a search cost, in visits of a walk (about 1 us each, with what is in memory): the one model by
// which scans choose at run time and the planner between its paths.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/hnsw/search.hpp"
#include "index/index.hpp"

namespace medvec::index::prices {

// Looking at a row page; at each of its rows for whether it matches conditions, or whether it is in a set of tuples,
// and finding one that is; reading the node of one that does, in order of address (docs/decisions/0020-row-pages.md).
inline constexpr double kRowPage = 1.0 / 12, kRow = 1.0 / 2500, kRowOfSet = 1.0 / 2200, kMember = 1.0 / 40,
                        kMatch = 0.4;
// Estimating the distance of a match by its row's code; and reading those that may be among the first answers. So few
// matches are read without an estimate before.
inline constexpr double kEstimate = 1.0 / 30, kFirstReads = 50, kFewMatches = 200;
// The same of all rows of a page, one behind the other.
inline constexpr double kCode = 1.0 / 100;
// Rows whose codes do not tell them from one of the nearest, for each of these (14 to 20 at 128 dimensions, 4 to 64 at
// 784).
inline constexpr double kNearPerWithin = 15;
// Nodes visited for a beam of so many.
inline constexpr double kPerWidth = hnsw::kVisitsPerWidth;
// Nodes visited for each row taken beyond ef_search, by a beam that grows in steps (2.4 to 3.6).
inline constexpr double kPerRow = 3;
// The first beam is wider than ef_search.
inline constexpr double kWidthPerEf = 1.5;
// The beam grows to this multiple of the rows that are taken (core/hnsw/search.hpp).
inline constexpr double kBeamPerRow = hnsw::kWidthPerAnswer;
// Fetching a row of the table at random to ask it conditions; in the order of the table and with its distance, where
// the vector is in the row, or out of line; taking a row out of a bitmap that an index gave, and putting it there.
inline constexpr double kFetch = 0.5, kInlineRow = 0.4, kOutOfLineRow = 1.2, kBitmapRow = 0.03;
inline constexpr double kOutOfLineBytes = 2000;
// Where the rows lie that match, nobody knows before some were asked. To see whether those near the query do, this
// share of the other ways' price is risked.
inline constexpr double kProbe = 1.0 / 5;

// A walk may turn out to be the longer way, and is then given up for the other, at the price of both: it is begun if
// its price times this is below.
inline constexpr double kWalkRisk = 1.5;

// A walk among so many nodes, of which some match, for as many as the beam is wide.
inline double Walk(double nodes, double matches, double width) {
  return kPerWidth * width * std::pow(nodes / std::max(1.0, matches), hnsw::kWidthPower);
}
struct RowPages {
  double rows;  // of each
  bool has_codes;
};
inline RowPages RowPagesOf(const Index& index) {
  return {static_cast<double>(index.rows_per_page), index.has_row_codes()};
}
// Looking at all rows for whether they match conditions.
inline double Rows(const RowPages& pages, double nodes) { return (kRowPage / pages.rows + kRow) * nodes; }
// Finding all matches by the row pages, and ranking them. `first`: of those to be read to be sure of the first answers.
inline double Matches(const RowPages& pages, double nodes, double matches, bool is_of_set = false,
                      double first = kFirstReads) {
  const double of_set = (kRowPage / pages.rows + kRowOfSet) * nodes + kMember * matches;
  const double find = is_of_set ? of_set : Rows(pages, nodes);
  const double read = kMatch * matches;
  const bool estimates = pages.has_codes && matches > kFewMatches;
  return find + (estimates ? std::min(read, kEstimate * matches + first) : read);
}
// Finding those of the matches that may be within a range, by their codes.
inline double Codes(const RowPages& pages, double nodes, double matches) {
  return Rows(pages, nodes) + kCode * matches;
}
// As many matches as make both about equal.
inline double Even(double nodes, double width, bool has_codes) {
  const double match = has_codes ? kEstimate : kMatch;
  return std::pow(kPerWidth * width * std::pow(nodes, hnsw::kWidthPower) / match, 1 / (1 + hnsw::kWidthPower));
}

inline double TableRow(double vector_bytes) { return vector_bytes > kOutOfLineBytes ? kOutOfLineRow : kInlineRow; }

}  // namespace medvec::index::prices
