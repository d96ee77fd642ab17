// CREATE INDEX and REINDEX.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

// pg_stat_progress_create_index: PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE is 1.
enum BuildPhase : int64 { kPhaseLoad = 2, kPhaseLog = 3 };
char* BuildPhaseName(int64 phase);

IndexBuildResult* BuildIndex(Relation heap, Relation index, struct IndexInfo* info);
// The index of an unlogged table, as it is after a crash.
void BuildEmptyIndex(Relation index);

}  // namespace medvec::index
