// What hnsw_index_bench does; each mode prints one JSON object.
#pragma once

#include <string>
#include <vector>

#include "../hnsw_core/data.hpp"

namespace medvec::bench {

// NAME=DATABASE[:TABLE] of the command line: an extension's index on a server. The table has the columns id int (row
// number of the set) and v, of the set's type.
struct Server {
  std::string name, database, table;
};

struct Options {
  std::string path;  // of the set
  Type type = Type::kVector;
  Metric metric = Metric::kL2;
  std::vector<Server> servers;
  size_t rows = ~size_t{0}, queries = 1000, rounds = 3;
  std::vector<size_t> efs = {10, 16, 24, 40, 64, 100, 200, 400, 800};
  std::vector<size_t> connections = {1};
  size_t gap = 0;          // rows whose number it divides have been deleted; 0: none
  size_t hnswlib_efc = 0;  // 0: without hnswlib
  size_t inserts = 2000, warm_up = 500, after_checkpoint = 500;
};

// Fills the table of the first server, which must be empty, by COPY.
void Load(const Options& options);

// CPU, latency, buffers and recall over ef_search, interleaved.
void Search(const Options& options);

// Single-row inserts of the rows that follow the first `rows` of the set, in commits of their own.
void Insert(const Options& options);

}  // namespace medvec::bench
