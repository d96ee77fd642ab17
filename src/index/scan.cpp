#include "index/scan.hpp"

#include <cmath>
#include <limits>
#include <new>

#include "core/distance.hpp"
#include "core/hnsw/search.hpp"
#include "index/graph.hpp"
#include "index/options.hpp"
#include "index/rows.hpp"

namespace medvec::index {

ScanCounters last_scan;

namespace {

using Search = hnsw::Search<PageGraph>;

// What is asked for.
enum class QueryKind {
  kVector,
  kNull,    // ORDER BY v <-> NULL: all rows, in any order
  kNowhere  // a zero vector under cosine: all distances are NaN
};

struct Scan {
  Index* index;
  PageGraph* graph;
  RowMap* rows;
  float* vector;
  void* query_buffer;
  hnsw::Query query;
  QueryKind kind;
  MemoryContext context;                // of one search
  Search* search;                       // null: not begun
  hnsw::Array<ItemPointerData> tuples;  // of the node found last
  size_t next_tuple;
  hnsw::Answer answer;
  bool may_hide;  // the row given last is its node's only one
};

Scan& State(IndexScanDesc scan) { return *static_cast<Scan*>(scan->opaque); }

void Start(IndexScanDesc descriptor, Scan& scan) {
  if (!IsMVCCSnapshot(descriptor->xs_snapshot)) elog(ERROR, "non-MVCC snapshots are not supported with hnsw");
  const MemoryContext outer = MemoryContextSwitchTo(scan.context);
  Index& index = *scan.index;
  const int dim = static_cast<int>(index.meta.dim);
  const ScanKeyData& order_by = descriptor->orderByData[0];
  double length = 0;
  scan.kind = QueryKind::kNull;
  memset(scan.vector, 0, sizeof(float) * index.meta.dim);
  if (!(order_by.sk_flags & SK_ISNULL)) {
    scan.kind =
        LoadVector(index.operators, order_by.sk_argument, dim, scan.vector) ? QueryKind::kVector : QueryKind::kNowhere;
    length = index.operators.metric == hnsw::Metric::kCosine
                 ? 1
                 : std::sqrt(GetDistanceKernels().norm_squared(scan.vector, index.meta.dim));
  }
  scan.query = hnsw::MakeQuery(index.space, scan.vector, scan.query_buffer);
  // A standby's snapshot may see rows that are dead to everybody on the primary.
  const uint8_t without = descriptor->ignore_killed_tuples ? hnsw::kDead | hnsw::kHidden : hnsw::kDead;
  scan.search = new (palloc(sizeof(Search)))
      Search(index.space, *scan.graph, ServerMemory(scan.context), scan.query, hnsw::Bound(index.space, length),
             static_cast<size_t>(settings::ef_search), without);
  MemoryContextSwitchTo(outer);
  pgstat_count_index_scan(descriptor->indexRelation);
  const int64 scans = last_scan.scans;
  last_scan = {};
  last_scan.scans = scans + 1;
}

// Whether the walk may go on beyond its first ef nodes.
bool MayWiden(const Scan& scan) {
  if (settings::iterative_scan == static_cast<int>(IterativeScan::kOff)) return false;
  return scan.search->hops() < static_cast<size_t>(settings::max_scan_tuples);
}

bool NextNode(Scan& scan) {
  const MemoryContext outer = MemoryContextSwitchTo(scan.context);
  const bool strict = settings::iterative_scan != static_cast<int>(IterativeScan::kRelaxedOrder);
  const bool found = scan.search->Next(&scan.answer, strict, MayWiden(scan));
  if (found) {
    const hnsw::Memory memory = ServerMemory(scan.context);
    scan.tuples.size = scan.next_tuple = 0;
    if (scan.answer.flags & hnsw::kShared)
      scan.rows->Collect(scan.answer.target, scan.answer.node, memory, &scan.tuples);
    else
      scan.tuples.Append(memory, OriginTuple(scan.answer.origin));
  }
  last_scan.nodes = static_cast<int64>(scan.search->hops());
  last_scan.pages = static_cast<int64>(scan.graph->reads());
  last_scan.beam = static_cast<int64>(scan.search->width());
  MemoryContextSwitchTo(outer);
  return found;
}

// The distance of the row given out, as far as it is known: a bound, which the executor makes exact.
void StoreDistances(IndexScanDesc descriptor, const Scan& scan) {
  IndexOrderByDistance distances[INDEX_MAX_KEYS];
  Oid types[INDEX_MAX_KEYS];
  for (int i = 0; i < descriptor->numberOfOrderBys; ++i) {
    // A second ordering by the same column: any value is possible.
    distances[i] = {i == 0 ? scan.answer.bound : -std::numeric_limits<double>::infinity(), false};
    types[i] = FLOAT8OID;
    if (scan.kind == QueryKind::kNull) distances[i].isnull = true;
    if (scan.kind == QueryKind::kNowhere) distances[i].value = std::numeric_limits<double>::quiet_NaN();
  }
  index_store_float8_orderby_distances(descriptor, types, distances, scan.kind == QueryKind::kVector);
}

}  // namespace

IndexScanDesc BeginScan(Relation relation, int keys, int order_bys) {
  const IndexScanDesc descriptor = RelationGetIndexScan(relation, keys, order_bys);
  Scan* scan = static_cast<Scan*>(palloc0(sizeof(Scan)));
  scan->index = OpenIndex(relation);
  scan->graph = new (palloc(sizeof(PageGraph))) PageGraph(*scan->index);
  scan->rows = new (palloc(sizeof(RowMap))) RowMap(*scan->index);
  scan->vector = static_cast<float*>(palloc(sizeof(float) * scan->index->meta.dim));
  scan->query_buffer = palloc(hnsw::QueryBufferSize(scan->index->meta.dim));
  scan->context = AllocSetContextCreate(CurrentMemoryContext, "hnsw scan", ALLOCSET_DEFAULT_SIZES);
  descriptor->opaque = scan;
  if (order_bys > 0) {
    descriptor->xs_orderbyvals = static_cast<Datum*>(palloc0(sizeof(Datum) * static_cast<size_t>(order_bys)));
    descriptor->xs_orderbynulls = static_cast<bool*>(palloc(sizeof(bool) * static_cast<size_t>(order_bys)));
    memset(descriptor->xs_orderbynulls, true, sizeof(bool) * static_cast<size_t>(order_bys));
  }
  return descriptor;
}

void Rescan(IndexScanDesc descriptor, ScanKey keys, int, ScanKey order_bys, int) {
  Scan& scan = State(descriptor);
  scan.search = nullptr;
  scan.tuples = {};
  scan.next_tuple = 0;
  scan.may_hide = false;
  MemoryContextReset(scan.context);
  if (keys != nullptr && descriptor->numberOfKeys > 0)
    memmove(descriptor->keyData, keys, sizeof(ScanKeyData) * static_cast<size_t>(descriptor->numberOfKeys));
  if (order_bys != nullptr && descriptor->numberOfOrderBys > 0)
    memmove(descriptor->orderByData, order_bys,
            sizeof(ScanKeyData) * static_cast<size_t>(descriptor->numberOfOrderBys));
}

bool NextTuple(IndexScanDesc descriptor, ScanDirection) {
  Scan& scan = State(descriptor);
  if (descriptor->numberOfOrderBys == 0) elog(ERROR, "cannot scan hnsw index without order");
  if (scan.search == nullptr) Start(descriptor, scan);
  if (descriptor->kill_prior_tuple && scan.may_hide) scan.graph->Hide(scan.answer.node, scan.tuples[0]);
  while (scan.next_tuple == scan.tuples.size)
    if (!NextNode(scan)) return false;
  scan.may_hide = !(scan.answer.flags & hnsw::kShared);
  descriptor->xs_heaptid = scan.tuples[scan.next_tuple++];
  descriptor->xs_recheck = false;
  StoreDistances(descriptor, scan);
  ++last_scan.rows;
  return true;
}

void EndScan(IndexScanDesc descriptor) { MemoryContextDelete(State(descriptor).context); }

}  // namespace medvec::index
