// The access method "hnsw" as PostgreSQL sees it.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

// Whether an index is of our access method, whatever it is called in the catalogue. The index must be locked or in use.
bool IsHnswIndex(Oid index);

}  // namespace medvec::index
