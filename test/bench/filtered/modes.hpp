// What filtered_bench does; each mode prints one JSON object.
#pragma once

#include <string>
#include <vector>

#include "../hnsw_core/data.hpp"

namespace medvec::bench {

// An engine with its settings, as the command line has it: NAME|DATABASE|METHOD|HNSW|SETTINGS
struct Contender {
  std::string name, database;
  bool exact = false;    // METHOD exact: the order is by an expression that no hnsw index has
  std::string hnsw;      // statements that set what a scan of an hnsw index heeds
  std::string settings;  // statements for the planner, executed anew before the contender's turn
};

struct Options {
  std::string path;  // of the set
  Type type = Type::kVector;
  Metric metric = Metric::kL2;
  std::string database, table;
  size_t rows = ~size_t{0}, queries = 300, rounds = 1;
  size_t seconds = 10;             // a case of one contender ends after so long, once kLeast queries have been asked
  std::vector<std::string> cases;  // names; none: all
  std::vector<Contender> contenders;
};

// The clusters of the correlated cases.
constexpr size_t kClusters = 20;

// Tables TABLE_raw (id, v, cluster) and TABLE_queries (n, v), which must be empty.
void Load(const Options& options);

// CPU, buffers, recall and plans of the cases.
void Search(const Options& options);

// CPU that planning takes of statements that order by no vector, by EXPLAIN: each contender's statements "HNSW" make
// the session, "SETTINGS" is the statement planned.
void Planning(const Options& options);

}  // namespace medvec::bench
