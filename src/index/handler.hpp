// The access method "hnsw" as PostgreSQL sees it.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

// Whether an index is of our access method, whatever it is called in the catalogue. The index must be locked or in use.
bool IsHnswIndex(Oid index);
// The same of what the planner knows of an index.
bool IsHnswIndex(const IndexOptInfo& index);

}  // namespace medvec::index
