// Which indexes are ours.
#pragma once

#include "pg/server.hpp"

namespace medvec::planner {

// Whether the access method of the index `index` is hnsw of this extension. Another extension may have one of that
// name.
bool IsHnswIndex(Oid index);

}  // namespace medvec::planner
