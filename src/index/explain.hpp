// EXPLAIN (ANALYZE) of an ordered scan of ours shows what the walk did; from PostgreSQL 18 on, before that
// hnsw_last_scan() tells.
#pragma once

namespace medvec::index {

// Called when the library is loaded.
void InstallExplainHook();

}  // namespace medvec::index
