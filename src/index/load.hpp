// The rows of a table into a new index, by this process and parallel workers.
#pragma once

#include "index/index.hpp"

namespace medvec::index {

struct Loaded {
  double heap_tuples, index_tuples;
};

// `index` is not logged, and has no rows yet.
Loaded Load(Relation heap, Index* index, struct IndexInfo* info);

}  // namespace medvec::index
