// The questions of the benchmark.
#pragma once

#include <string>
#include <vector>

#include "../hnsw_core/data.hpp"

namespace medvec::bench {

// What the statement's $2 is; $1 is the query's vector, or the first query's number where queries go together.
enum class Parameter {
  kNone,
  kNearest,   // int: the cluster of the centroid nearest to the query
  kFarthest,  // int: that of the farthest
  kFarThree,  // int[]: those of the three farthest
  kRadius     // float8: a distance that some 100 rows of the set are within
};

struct Case {
  std::string name;
  std::string condition;  // as reports show it
  std::string statement;  // {t}: the table, {d}: the distance to the query. Gives ids, or a number (`counts`)
  std::string filter;     // the ids that qualify, its $1 is the statement's $2; empty: all
  Parameter parameter = Parameter::kNone;
  size_t limit = 10;    // 0: all that qualify
  bool counts = false;  // the statement gives the number of rows alone
  size_t together = 1;  // queries asked by one statement, which gives the query's number before the id

  std::string Statement(const std::string& table, const std::string& distance) const;
  std::string Filter(const std::string& table) const;
};

// `together`: how many queries one statement of the LATERAL cases asks.
std::vector<Case> Cases(Metric metric, size_t together);

}  // namespace medvec::bench
