// Workers insert into the same pages as the leader, by the same locks that concurrent INSERTs use; only the entry's
// lock is another (SharedEntryLock). They share a parallel scan of the table and nothing else.
#include "index/load.hpp"

#include <algorithm>
#include <cmath>
#include <new>

#include "index/insert.hpp"

extern "C" MEDVEC_EXPORT void medvec_hnsw_load_worker(dsm_segment* segment, shm_toc* toc);

namespace medvec::index {

namespace {

enum Key : uint64 { kShared = 0x6d76000000000001, kScan, kQuery, kWalUsage, kBufferUsage };

struct Shared {
  Oid heap, index;
  bool concurrently;
  SharedEntryLock entry_lock;
  pg_atomic_uint64 loaded;  // rows so far, for the progress view

  slock_t mutex;
  ConditionVariable done;
  int participants_done;
  double heap_tuples, index_tuples;
  bool broken_hot_chain;
};

struct Participant {
  Inserter* inserter;
  Shared* shared;  // null: serial
  bool reports;    // the leader
  double tuples;
};

void LoadTuple(Relation, ItemPointer tuple, Datum* values, bool* is_null, bool, void* state) {
  Participant* self = static_cast<Participant*>(state);
  if (is_null[0] || !self->inserter->Insert(values, is_null, *tuple)) return;
  self->tuples += 1;
  int64 all = static_cast<int64>(self->tuples);
  if (self->shared != nullptr) all = static_cast<int64>(pg_atomic_fetch_add_u64(&self->shared->loaded, 1)) + 1;
  if (self->reports) pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, all);
}

Loaded LoadSerially(Relation heap, Index* index, struct IndexInfo* info) {
  Participant self{new (palloc(sizeof(Inserter))) Inserter(*index, false), nullptr, true, 0};
  const double heap_tuples = table_index_build_scan(heap, index->relation, info, true, true, LoadTuple, &self, nullptr);
  return {heap_tuples, self.tuples};
}

// The share of one process, leader or worker, in a parallel load.
void LoadShare(Relation heap, Index* index, struct IndexInfo* info, Shared* shared, ParallelTableScanDesc scan,
               bool is_leader) {
  Participant self{new (palloc(sizeof(Inserter))) Inserter(*index, false), shared, is_leader, 0};
  self.inserter->graph().SetEntryLock(&shared->entry_lock);
  const double heap_tuples = table_index_build_scan(heap, index->relation, info, true, is_leader, LoadTuple, &self,
                                                    table_beginscan_parallel(heap, scan));
  SpinLockAcquire(&shared->mutex);
  ++shared->participants_done;
  shared->heap_tuples += heap_tuples;
  shared->index_tuples += self.tuples;
  shared->broken_hot_chain |= info->ii_BrokenHotChain;
  SpinLockRelease(&shared->mutex);
  ConditionVariableSignal(&shared->done);
}

bool IsParallelSafe(Relation index) {
  // What planner functions look at of the query.
  PlannerInfo* root = makeNode(PlannerInfo);
  root->parse = makeNode(Query);
  root->parse->commandType = CMD_SELECT;
  root->glob = makeNode(PlannerGlobal);
  root->query_level = 1;
  root->planner_cxt = CurrentMemoryContext;
  return is_parallel_safe(root, reinterpret_cast<Node*>(RelationGetIndexExpressions(index))) &&
         is_parallel_safe(root, reinterpret_cast<Node*>(RelationGetIndexPredicate(index)));
}

// Core counts the pages of the table itself, of which a table of long vectors has few, and asks for 32 MB of
// maintenance_work_mem a worker, which we do not need. So: core's formula (one worker more for each threefold of
// min_parallel_table_scan_size), but with the TOAST table's pages.
int CountWorkers(Relation heap, Relation index) {
  if (!IsUnderPostmaster || max_parallel_maintenance_workers == 0) return 0;
  if (RelationUsesLocalBuffers(heap) || !IsParallelSafe(index)) return 0;
  const int wanted = RelationGetParallelWorkers(heap, -1);
  if (wanted != -1) return std::min(wanted, max_parallel_maintenance_workers);
  double pages = RelationGetNumberOfBlocks(heap);
  if (OidIsValid(heap->rd_rel->reltoastrelid)) {
    const Relation toast = table_open(heap->rd_rel->reltoastrelid, AccessShareLock);
    pages += RelationGetNumberOfBlocks(toast);
    table_close(toast, AccessShareLock);
  }
  int workers = 0;
  for (double threshold = std::max(min_parallel_table_scan_size, 1); pages >= threshold; threshold *= 3) ++workers;
  return std::min(workers, max_parallel_maintenance_workers);
}

struct Team {
  ParallelContext* context;
  Shared* shared;
  ParallelTableScanDesc scan;
  Snapshot snapshot;
  WalUsage* wal_usage;
  BufferUsage* buffer_usage;
};

// Launches up to `workers`. False: none came, and nothing is left behind.
bool Assemble(Relation heap, Relation index, struct IndexInfo* info, int workers, Team* team) {
  EnterParallelMode();
  ParallelContext* context = CreateParallelContext("medvec", "medvec_hnsw_load_worker", workers);
  // A concurrent build sees what is alive by its snapshot; the others index what anybody may see.
  team->context = context;
  team->snapshot = info->ii_Concurrent ? RegisterSnapshot(GetTransactionSnapshot()) : SnapshotAny;
  const Size scan_size = table_parallelscan_estimate(heap, team->snapshot);
  const Size query_size = debug_query_string == nullptr ? 1 : strlen(debug_query_string) + 1;
  const Size count = static_cast<Size>(context->nworkers);
  for (const Size size : {sizeof(Shared), scan_size, query_size, count * sizeof(WalUsage), count * sizeof(BufferUsage)})
    shm_toc_estimate_chunk(&context->estimator, size);
  shm_toc_estimate_keys(&context->estimator, 5);
  InitializeParallelDSM(context);
  if (context->seg == nullptr) {
    if (IsMVCCSnapshot(team->snapshot)) UnregisterSnapshot(team->snapshot);
    DestroyParallelContext(context);
    ExitParallelMode();
    return false;
  }
  const auto allocate = [&](Size size, Key key) {
    void* chunk = shm_toc_allocate(context->toc, size);
    memset(chunk, 0, size);
    shm_toc_insert(context->toc, key, chunk);
    return chunk;
  };
  Shared* shared = static_cast<Shared*>(allocate(sizeof(Shared), kShared));
  shared->heap = RelationGetRelid(heap), shared->index = RelationGetRelid(index);
  shared->concurrently = info->ii_Concurrent;
  shared->entry_lock.Init();
  pg_atomic_init_u64(&shared->loaded, 0);
  SpinLockInit(&shared->mutex);
  ConditionVariableInit(&shared->done);
  team->shared = shared;
  team->scan = static_cast<ParallelTableScanDesc>(allocate(scan_size, kScan));
  table_parallelscan_initialize(heap, team->scan, team->snapshot);
  char* query = static_cast<char*>(allocate(query_size, kQuery));
  if (debug_query_string != nullptr) memcpy(query, debug_query_string, query_size);
  team->wal_usage = static_cast<WalUsage*>(allocate(count * sizeof(WalUsage), kWalUsage));
  team->buffer_usage = static_cast<BufferUsage*>(allocate(count * sizeof(BufferUsage), kBufferUsage));
  LaunchParallelWorkers(context);
  ereport(DEBUG1, (errmsg_internal("using %d parallel workers", context->nworkers_launched)));
  return true;
}

void Disband(Team* team) {
  WaitForParallelWorkersToFinish(team->context);
  for (int i = 0; i < team->context->nworkers_launched; ++i)
    InstrAccumParallelQuery(&team->buffer_usage[i], &team->wal_usage[i]);
  if (IsMVCCSnapshot(team->snapshot)) UnregisterSnapshot(team->snapshot);
  DestroyParallelContext(team->context);
  ExitParallelMode();
}

// Until all have done their share; a worker that died raises its error here.
void AwaitWorkers(Shared* shared, int participants) {
  for (;;) {
    SpinLockAcquire(&shared->mutex);
    const int done = shared->participants_done;
    SpinLockRelease(&shared->mutex);
    pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE,
                                 static_cast<int64>(pg_atomic_read_u64(&shared->loaded)));
    if (done == participants) break;
    ConditionVariableTimedSleep(&shared->done, 1000, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
  }
  ConditionVariableCancelSleep();
}

}  // namespace

Loaded Load(Relation heap, Index* index, struct IndexInfo* info) {
  const int workers = CountWorkers(heap, index->relation);
  Team team;
  if (workers == 0 || !Assemble(heap, index->relation, info, workers, &team)) return LoadSerially(heap, index, info);
  LoadShare(heap, index, info, team.shared, team.scan, true);
  WaitForParallelWorkersToAttach(team.context);
  AwaitWorkers(team.shared, team.context->nworkers_launched + 1);
  const Loaded loaded{team.shared->heap_tuples, team.shared->index_tuples};
  info->ii_BrokenHotChain |= team.shared->broken_hot_chain;
  Disband(&team);
  return loaded;
}

void LoadAsWorker(shm_toc* toc) {
  debug_query_string = static_cast<const char*>(shm_toc_lookup(toc, kQuery, false));
  pgstat_report_activity(STATE_RUNNING, debug_query_string);
  Shared* shared = static_cast<Shared*>(shm_toc_lookup(toc, kShared, false));
  // The locks that the leader holds.
  const LOCKMODE heap_lock = shared->concurrently ? ShareUpdateExclusiveLock : ShareLock;
  const LOCKMODE index_lock = shared->concurrently ? RowExclusiveLock : AccessExclusiveLock;
  const Relation heap = table_open(shared->heap, heap_lock);
  const Relation relation = index_open(shared->index, index_lock);
  struct IndexInfo* info = BuildIndexInfo(relation);
  info->ii_Concurrent = shared->concurrently;
  InstrStartParallelQuery();
  Index* index = OpenIndex(relation);
  index->logged = false;
  LoadShare(heap, index, info, shared, static_cast<ParallelTableScanDesc>(shm_toc_lookup(toc, kScan, false)), false);
  InstrEndParallelQuery(static_cast<BufferUsage*>(shm_toc_lookup(toc, kBufferUsage, false)) + ParallelWorkerNumber,
                        static_cast<WalUsage*>(shm_toc_lookup(toc, kWalUsage, false)) + ParallelWorkerNumber);
  index_close(relation, index_lock);
  table_close(heap, heap_lock);
}

}  // namespace medvec::index

void medvec_hnsw_load_worker(dsm_segment*, shm_toc* toc) { medvec::index::LoadAsWorker(toc); }
