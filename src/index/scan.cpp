#include "index/scan.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include "core/hnsw/search.hpp"
#include "core/stop_point.hpp"
#include "index/graph.hpp"
#include "index/options.hpp"
#include "index/rows.hpp"
#include "index/scan_query.hpp"
#include "index/whole_scan.hpp"

namespace medvec::index {

ScanCounters last_scan;

namespace {

using Search = hnsw::Search<PageGraph>;

struct Scan {
  Index* index;
  PageGraph* graph;
  RowMap* rows;
  ScanQuery query;
  uint8_t without;        // flags of nodes that are no answers
  MemoryContext context;  // of one search
  Search* search;         // null: not begun
  WholeScan* whole;       // what is given when the walk is not worth going on; null: not begun
  hnsw::Array<NodeId> given;
  hnsw::Answer answer;                  // whose rows are given now
  hnsw::Array<ItemPointerData> tuples;  // its rows
  size_t next_tuple;
  bool is_certain;      // no later row can be nearer, and none before it was farther
  double farthest;      // upper bound of the rows given so far
  double floor;         // strict order: no later row has a lower bound
  bool may_hide;        // the row given last is its node's only one
  ScanCounters total;   // of all rescans but this one
  uint64 reads_before;  // pages read before this one
};

Scan& State(IndexScanDesc scan) { return *static_cast<Scan*>(scan->opaque); }

// How a scan may go on beyond what it has found.
enum class Further { kNone, kWalk, kWhole };

// Reading the whole index visits all of it, which hnsw.max_scan_tuples may forbid.
bool MayReadWhole(const Scan& scan) { return NodeCount(*scan.index) <= settings::max_scan_tuples; }

// A walk visits about as many nodes as its beam is wide, at three times the price of nodes read in order: where twice
// the width would come to a good part of the index, or need more memory than it may have, it is better to read it
// whole.
constexpr double kWorthWalking = 1.0 / 8;
Further HowFurther(const Scan& scan) {
  if (settings::iterative_scan == static_cast<int>(IterativeScan::kOff)) return Further::kNone;
  if (scan.search->hops() >= static_cast<size_t>(settings::max_scan_tuples)) return Further::kNone;
  if (!scan.search->WouldWiden()) return Further::kWalk;
  const double allowed = settings::scan_mem_multiplier * work_mem * 1024.0;
  const bool fits = 2.0 * static_cast<double>(MemoryContextMemAllocated(scan.context, true)) <= allowed;
  const bool is_worth =
      2.0 * static_cast<double>(scan.search->width()) <= std::max(NodeCount(*scan.index) * kWorthWalking, 100.0);
  if (!(fits && is_worth) && MayReadWhole(scan)) return Further::kWhole;
  return fits ? Further::kWalk : Further::kNone;
}

void ReadWhole(Scan& scan, bool strict) {
  scan.search->Free();
  scan.whole = new (palloc(sizeof(WholeScan))) WholeScan(*scan.index, *scan.graph);
  scan.whole->Read(scan.query.query, scan.query.bound, scan.without,
                   strict ? scan.floor : -std::numeric_limits<double>::infinity(), scan.given);
  last_scan.whole = true;
}

bool IsStrict() { return settings::iterative_scan != static_cast<int>(IterativeScan::kRelaxedOrder); }

// The next node to give. False: there are no more.
bool FindNode(Scan& scan) {
  const Further further = scan.whole == nullptr ? HowFurther(scan) : Further::kWhole;
  if (further != Further::kWhole) {
    const bool is_first = scan.given.size == 0, may_widen = further == Further::kWalk;
    const bool found = scan.search->Next(&scan.answer, IsStrict(), may_widen);
    last_scan.nodes = static_cast<int64>(scan.search->hops());
    last_scan.pages = static_cast<int64>(scan.graph->reads() - scan.reads_before);
    last_scan.beam = static_cast<int64>(scan.search->width());
    // All that links lead to has been visited. There may be more: by inner product nobody's neighbour is a short
    // vector.
    const bool is_all = may_widen && (!found || (is_first && !scan.search->has_more())) && MayReadWhole(scan);
    if (found && !is_all) scan.given.Append(ServerMemory(scan.context), scan.answer.node);
    if (!is_all) return found;
  }
  if (scan.whole == nullptr) ReadWhole(scan, IsStrict());
  const bool found = scan.whole->Next(&scan.answer);
  last_scan.pages = static_cast<int64>(scan.graph->reads() - scan.reads_before);
  return found;
}

// Where intervals do not overlap the order is known without the exact distance, for which the executor would have to
// fetch the vector.
bool IsCertain(const Scan& scan) {
  if (scan.tuples.size != 1 || scan.farthest > scan.answer.bound) return false;
  if (scan.whole != nullptr) return scan.answer.upper <= scan.whole->PeekBound();
  const std::optional<double> next = scan.search->PeekBound();
  return next.has_value() && scan.answer.upper <= *next;
}

void Start(IndexScanDesc descriptor, Scan& scan) {
  if (!IsMVCCSnapshot(descriptor->xs_snapshot)) elog(ERROR, "non-MVCC snapshots are not supported with hnsw");
  const MemoryContext outer = MemoryContextSwitchTo(scan.context);
  Index& index = *scan.index;
  const ScanKeyData& order_by = descriptor->orderByData[0];
  scan.query.Load(index, order_by.sk_argument, order_by.sk_flags & SK_ISNULL);
  // A standby's snapshot may see rows that are dead to everybody on the primary.
  scan.without = descriptor->ignore_killed_tuples ? hnsw::kDead | hnsw::kHidden : hnsw::kDead;
  scan.search = NewSearch(index, *scan.graph, ServerMemory(scan.context), &scan.query, scan.without);
  scan.farthest = scan.floor = -std::numeric_limits<double>::infinity();
  pgstat_count_index_scan(descriptor->indexRelation);
  const int64 scans = last_scan.scans;
  last_scan = {};
  scan.reads_before = scan.graph->reads();
  last_scan.scans = scans + 1;
  MemoryContextSwitchTo(outer);
}

bool NextNode(Scan& scan) {
  const MemoryContext outer = MemoryContextSwitchTo(scan.context);
  const hnsw::Memory memory = ServerMemory(scan.context);
  const bool found = FindNode(scan);
  if (found) {
    scan.tuples.size = scan.next_tuple = 0;
    MEDVEC_STOP_POINT("scan-rows");
    if (scan.answer.flags & hnsw::kShared)
      scan.rows->Collect(scan.answer.target, scan.answer.node, memory, &scan.tuples);
    else
      scan.tuples.Append(memory, OriginTuple(scan.answer.origin));
    scan.is_certain = IsCertain(scan);
    scan.farthest = Max(scan.farthest, scan.answer.upper);
    scan.floor = Max(scan.floor, scan.is_certain ? scan.answer.upper : scan.answer.bound);
    if (scan.whole == nullptr) scan.search->RaiseFloor(scan.floor);
  }
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
    if (scan.query.kind == QueryKind::kNull) distances[i].isnull = true;
    if (scan.query.kind == QueryKind::kNowhere) distances[i].value = std::numeric_limits<double>::quiet_NaN();
  }
  index_store_float8_orderby_distances(descriptor, types, distances,
                                       scan.query.kind == QueryKind::kVector && !scan.is_certain);
}

}  // namespace

IndexScanDesc BeginScan(Relation relation, int keys, int order_bys) {
  const IndexScanDesc descriptor = RelationGetIndexScan(relation, keys, order_bys);
  Scan* scan = static_cast<Scan*>(palloc0(sizeof(Scan)));
  scan->index = OpenIndex(relation);
  scan->graph = new (palloc(sizeof(PageGraph))) PageGraph(*scan->index);
  scan->rows = new (palloc(sizeof(RowMap))) RowMap(*scan->index);
  new (&scan->query) ScanQuery(*scan->index);
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
  scan.total = CountersOf(descriptor);
  if (scan.whole != nullptr) scan.whole->End();
  scan.search = nullptr;
  scan.whole = nullptr;
  scan.given = {};
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

ScanCounters CountersOf(IndexScanDesc descriptor) {
  const Scan& scan = State(descriptor);
  ScanCounters counters = scan.total;
  if (scan.search != nullptr) {
    counters.nodes += static_cast<int64>(scan.search->hops());
    counters.beam = static_cast<int64>(scan.search->width());
    ++counters.scans;
  }
  counters.pages = static_cast<int64>(scan.graph->reads());
  counters.whole |= scan.whole != nullptr;
  return counters;
}

bool NextTuple(IndexScanDesc descriptor, ScanDirection) {
  Scan& scan = State(descriptor);
  if (descriptor->numberOfOrderBys == 0) elog(ERROR, "cannot scan hnsw index without order");
  if (scan.search == nullptr) Start(descriptor, scan);
  if (descriptor->kill_prior_tuple && scan.may_hide)
    scan.graph->Hide(scan.answer.node, scan.answer.target, scan.tuples[0]);
  while (scan.next_tuple == scan.tuples.size)
    if (!NextNode(scan)) return false;
  scan.may_hide = !(scan.answer.flags & hnsw::kShared);
  descriptor->xs_heaptid = scan.tuples[scan.next_tuple++];
  descriptor->xs_recheck = false;
  StoreDistances(descriptor, scan);
  ++last_scan.rows;
  ++scan.total.rows;
  return true;
}

void EndScan(IndexScanDesc descriptor) {
  Scan& scan = State(descriptor);
  if (scan.whole != nullptr) scan.whole->End();
  MemoryContextDelete(scan.context);
}

}  // namespace medvec::index
