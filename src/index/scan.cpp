#include "index/scan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "core/distance.hpp"
#include "core/hnsw/search.hpp"
#include "core/stop_point.hpp"
#include "index/graph.hpp"
#include "index/options.hpp"
#include "index/range.hpp"
#include "index/rows.hpp"
#include "index/whole_scan.hpp"

namespace medvec::index {

ScanCounters last_scan;

const char* ScanCounters::Strategy() const {
  switch (rest) {
    case Rest::kMatches:
      return walked ? "walk, then matches" : "matches";
    case Rest::kWhole:
      return walked ? "walk, then whole index" : "whole index";
    default:
      return walked ? "walk" : "none";
  }
}

namespace {

using Search = hnsw::Search<PageGraph, Accept>;

// What it costs to look for matching rows in the row pages, and to read a node of those found in order of address, in
// visits of a walk.
constexpr double kRowCost = 1.0 / 250, kMatchCost = 0.5;
// Nodes visited for a beam of so many.
constexpr double kVisitsPerWidth = 2;
// The beam that has found all nodes of a range is so many times as long as they are many.
constexpr size_t kRangeWidth = 2;
// What it finds late comes out of order here, so it is longer from the start.
constexpr double kOrderedRangeWidth = 3;
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// What is asked for.
enum class QueryKind {
  kVector,
  kNull,    // none, or ORDER BY v <-> NULL: all rows, in any order
  kNowhere  // a zero vector under cosine: all distances are NaN
};

struct Scan {
  bool is_ordered;  // else rows come in any order: those in a range; all that match, where a bitmap asks for them
  Index* index;
  PageGraph* graph;
  RowMap* rows;
  void* query_buffer;
  hnsw::Query query;
  hnsw::Bound bound;
  uint8_t without;  // flags of nodes that are no answers
  QueryKind kind;
  MemoryContext context;  // of one search
  Filter* filter;
  Range* range;
  Estimate estimate;  // of matches, where there is a filter
  double budget;      // nodes that the walk may visit before the rest is read instead
  Search* search;     // null: not begun
  WholeScan* whole;   // what is given when the walk is not worth going on; null: not begun
  Rest rest;          // what that is
  bool was_spent;     // the walk came to its limit, and may not be replaced
  double left;        // nodes that may still be given
  hnsw::Array<NodeId> given;
  bool is_over;                    // the walk has come to the end of the range
  hnsw::Array<hnsw::Answer> late;  // found in the range, too late for their place in order
  hnsw::Answer answer;             // whose rows are given now
  hnsw::Array<FoundRow> tuples;    // its rows
  size_t next_tuple;
  bool is_certain;      // no later row can be nearer, and none before it was farther
  double farthest;      // upper bound of the rows given so far
  double floor;         // strict order: no later row has a lower bound
  bool may_hide;        // the row given last is its node's only one
  ScanCounters total;   // of all rescans but this one
  uint64 reads_before;  // pages read before this one
};

Scan& State(IndexScanDesc scan) { return *static_cast<Scan*>(scan->opaque); }

// What is not all in order has an end of its own.
bool IsIterative(const Scan& scan) {
  return !scan.is_ordered || scan.range->is_limited() ||
         settings::iterative_scan != static_cast<int>(IterativeScan::kOff);
}

// How a scan may go on beyond what it has found.
enum class Further { kNone, kWalk, kWhole };

// About how many nodes the index has, dead ones counted.
double NodeCount(const Index& index) {
  const double blocks = RelationGetNumberOfBlocks(index.relation);
  return blocks * index.meta.blocks_per_group / index.meta.pages_per_group;
}

// Reading the whole index, or all matches, visits so many nodes, which hnsw.max_scan_tuples may forbid.
bool MayReadWhole(const Scan& scan) { return NodeCount(*scan.index) <= settings::max_scan_tuples; }
bool MayReadRest(const Scan& scan) {
  return scan.filter->is_empty() ? MayReadWhole(scan) : scan.estimate.matches <= settings::max_scan_tuples;
}

double MatchesCost(const Estimate& estimate) { return kRowCost * estimate.rows + kMatchCost * estimate.matches; }

// A walk visits about as many nodes as its beam is wide, at three times the price of nodes read in order: where twice
// the width would come to a good part of the index, or need more memory than it may have, it is better to read it
// whole.
constexpr double kWorthWalking = 1.0 / 8;
Further HowToWiden(const Scan& scan) {
  const double allowed = settings::scan_mem_multiplier * work_mem * 1024.0;
  const bool fits = 2.0 * static_cast<double>(MemoryContextMemAllocated(scan.context, true)) <= allowed;
  const bool is_worth = scan.filter->is_empty() ? 2.0 * static_cast<double>(scan.search->width()) <=
                                                      std::max(NodeCount(*scan.index) * kWorthWalking, 100.0)
                                                : 2.0 * static_cast<double>(scan.search->hops()) <= scan.budget;
  if (!(fits && is_worth) && MayReadRest(scan)) return Further::kWhole;
  return fits ? Further::kWalk : Further::kNone;
}
bool IsAtLimit(const Scan& scan) { return scan.search->hops() >= static_cast<size_t>(settings::max_scan_tuples); }
Further HowFurther(const Scan& scan) {
  if (!IsIterative(scan) || IsAtLimit(scan)) return Further::kNone;
  return scan.search->WouldWiden() ? HowToWiden(scan) : Further::kWalk;
}

bool IsStrict() { return settings::iterative_scan != static_cast<int>(IterativeScan::kRelaxedOrder); }

// A walk has to see what is beyond the range; what is read behind it has not.
Accept AcceptOf(const Scan& scan, const Range* range = nullptr) {
  return {*scan.index, *scan.graph, *scan.rows, *scan.filter, range};
}

// What was found too late for its place comes at the very end, when nothing else is left: so a LIMIT is filled if rows
// qualify.
void BeginRest(Scan& scan, Rest rest) {
  scan.search->Free();
  const double least = !scan.is_ordered ? kUnlimited : IsStrict() ? scan.floor : -kUnlimited;
  scan.whole = new (palloc(sizeof(WholeScan)))
      WholeScan(*scan.index, *scan.graph, scan.query, scan.bound, scan.without, AcceptOf(scan, scan.range), least);
  scan.rest = last_scan.rest = rest;
}

// All matches but those given. False: they are more than `most`.
bool ReadMatches(Scan& scan, double most) {
  hnsw::Array<NodeId> nodes{};
  const hnsw::Memory memory = ServerMemory(scan.context);
  most = std::min({most, 1024.0 * work_mem / sizeof(NodeId), static_cast<double>(settings::max_scan_tuples)});
  const bool all =
      CollectMatches(*scan.index, *scan.rows, *scan.filter, static_cast<size_t>(most), memory, &nodes, &scan.estimate);
  last_scan.matches = scan.estimate.matches;
  if (all) {
    BeginRest(scan, Rest::kMatches);
    scan.whole->Read(nodes, scan.given);
    last_scan.nodes += static_cast<int64>(scan.whole->visits());
  }
  nodes.Free(memory);
  return all;
}

// False: that would visit more nodes than it may.
bool ReadRest(Scan& scan) {
  if (!scan.filter->is_empty() && ReadMatches(scan, kUnlimited)) return true;
  if (!MayReadWhole(scan)) return false;
  BeginRest(scan, Rest::kWhole);
  scan.whole->ReadAll(scan.given);
  return true;
}

// Few matching rows are read at once; of many the walk finds enough. What decides is what it costs: about as much for
// either where the matches are 15 times the root of the rows, at the default ef_search.
void ChooseStrategy(Scan& scan, double width) {
  const double visits = kVisitsPerWidth * width;
  const double rows = NodeCount(*scan.index), even = std::sqrt(visits * rows / kMatchCost);
  scan.estimate = EstimateMatches(*scan.index, *scan.rows, *scan.filter, even);
  const auto walk_cost = [&] { return visits * scan.estimate.rows / std::max(scan.estimate.matches, 1.0); };
  last_scan.matches = scan.estimate.matches;
  if (MayReadRest(scan) && MatchesCost(scan.estimate) <= walk_cost() && ReadMatches(scan, 2 * even + 1000)) return;
  scan.budget = std::min(std::max(MatchesCost(scan.estimate), visits), static_cast<double>(settings::max_scan_tuples));
  scan.search->LimitHops(static_cast<size_t>(scan.budget));
}

// The next node by the walk. False: there are no more, or (*rest) the rest is to be read otherwise.
bool FindByWalk(Scan& scan, bool* rest) {
  const Further further = HowFurther(scan);
  *rest = further == Further::kWhole;
  if (*rest) return false;
  const bool is_first = scan.given.size == 0, may_widen = further == Further::kWalk;
  const bool is_strict = IsStrict() && !scan.range->is_limited();
  bool found = scan.search->Next(&scan.answer, is_strict, may_widen);
  if (!found && scan.search->is_spent() && !scan.was_spent) {
    scan.was_spent = true;
    *rest = MayReadRest(scan);
    if (!*rest) found = scan.search->Next(&scan.answer, is_strict, may_widen);
  }
  last_scan.walked = true;
  last_scan.nodes = static_cast<int64>(scan.search->hops());
  last_scan.beam = static_cast<int64>(scan.search->width());
  // All that links lead to has been visited. There may be more: by inner product nobody's neighbour is a short
  // vector.
  *rest |= may_widen && (!found || (is_first && !scan.search->has_more())) && MayReadRest(scan);
  if (*rest || !found) return false;
  scan.given.Append(ServerMemory(scan.context), scan.answer.node);
  return true;
}

// Where the next node is beyond the range, nodes within it may be missing that a longer beam finds. False: it is as
// long as it should be, or (*rest) the rest is to be read otherwise.
bool LooksAgain(Scan& scan, bool* rest) {
  if (IsAtLimit(scan) || scan.search->is_exhausted() ||
      scan.search->room() >= kRangeWidth * (scan.given.size + scan.late.size))
    return false;
  const Further further = HowToWiden(scan);
  *rest = further == Further::kWhole;
  if (further != Further::kWalk) return false;
  if (!scan.search->Widen() && !scan.was_spent) {
    scan.was_spent = true;
    *rest = MayReadRest(scan);
  }
  return true;
}

// The same, up to the end of the range. All in it are wanted, so what is found too late for its place comes last.
bool FindInRange(Scan& scan, bool* rest) {
  while (!scan.is_over) {
    const bool found = FindByWalk(scan, rest);
    if (*rest) return false;  // with what was late
    if (!found || scan.range->Excludes(scan.answer.bound)) {
      if (found) --scan.given.size;
      scan.is_over = !(found && LooksAgain(scan, rest));
      if (*rest) return false;
      continue;
    }
    if (!scan.is_ordered || !IsStrict() || scan.answer.bound >= scan.floor) return true;
    scan.late.Append(ServerMemory(scan.context), scan.answer);
    --scan.given.size;
  }
  *rest = false;
  if (scan.late.size == 0) return false;
  scan.answer = scan.late[--scan.late.size];
  return true;
}

// The next node to give. False: there are no more.
bool FindNode(Scan& scan) {
  if (scan.left < 1) return false;
  bool rest = true;
  bool found = false;
  if (scan.whole == nullptr && scan.range->is_limited())
    found = FindInRange(scan, &rest);
  else if (scan.whole == nullptr && scan.is_ordered)
    found = FindByWalk(scan, &rest);
  if (!found && rest) found = (scan.whole != nullptr || ReadRest(scan)) && scan.whole->Next(&scan.answer);
  scan.left -= found;
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
  const ScanKeyData* order_by = scan.is_ordered ? &descriptor->orderByData[0] : nullptr;
  const OperatorClass& operators = index.operators;
  scan.range = new (palloc(sizeof(Range))) Range(index, descriptor->keyData, descriptor->numberOfKeys, order_by);
  double length = 0;
  hnsw::Input input;
  scan.kind = QueryKind::kNull;
  const bool has_query = order_by == nullptr ? scan.range->is_limited() : !(order_by->sk_flags & SK_ISNULL);
  if (has_query) {
    const Datum query = order_by == nullptr ? scan.range->query() : order_by->sk_argument;
    const bool is_vector = LoadVector(operators, query, index.meta.dim, &input);
    scan.kind = is_vector ? QueryKind::kVector : QueryKind::kNowhere;
    if (is_vector) length = operators.metric == hnsw::Metric::kCosine ? 1 : Length(operators, input, index.meta.dim);
  }
  if (scan.kind == QueryKind::kNowhere) scan.range->SetNowhere();
  if (scan.kind != QueryKind::kVector) input = ZeroVector(operators, index.meta.dim);
  scan.query = hnsw::GetKernels(index.geometry()).make_query(index.space, input, scan.query_buffer);
  // A standby's snapshot may see rows that are dead to everybody on the primary.
  scan.without = descriptor->ignore_killed_tuples ? hnsw::kDead | hnsw::kHidden : hnsw::kDead;
  scan.bound = hnsw::Bound(index.space, length);
  const size_t ef = static_cast<size_t>(settings::ef_search);
  const size_t width = hnsw::BeamWidth(ef, index.meta.m, index.meta.max_degree);
  scan.filter = new (palloc(sizeof(Filter))) Filter(index, descriptor->keyData, descriptor->numberOfKeys);
  scan.search = new (palloc(sizeof(Search))) Search(index.space, *scan.graph, ServerMemory(scan.context), scan.query,
                                                    scan.bound, ef, width, scan.without, AcceptOf(scan));
  const bool is_never = scan.filter->is_never() || scan.range->is_never();
  scan.left = is_never ? 0 : IsIterative(scan) ? kUnlimited : static_cast<double>(ef);
  scan.farthest = scan.floor = -std::numeric_limits<double>::infinity();
  if (scan.is_ordered && scan.range->is_limited()) scan.search->KeepWidth(kOrderedRangeWidth);
  pgstat_count_index_scan(descriptor->indexRelation);
  const int64 scans = last_scan.scans;
  last_scan = {};
  scan.reads_before = scan.graph->reads();
  last_scan.scans = scans + 1;
  last_scan.is_filtered = !scan.filter->is_empty();
  if (last_scan.is_filtered && scan.left > 0) ChooseStrategy(scan, static_cast<double>(width));
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
      scan.rows->Collect(scan.answer.target, scan.answer.node, *scan.filter, memory, &scan.tuples);
    else
      scan.tuples.Append(memory, {OriginTuple(scan.answer.origin), (scan.answer.flags & kRecheck) != 0});
    if (!scan.range->Includes(scan.answer.upper))
      for (FoundRow& row : scan.tuples) row.recheck = true;
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
    if (scan.kind == QueryKind::kNull) distances[i].isnull = true;
    if (scan.kind == QueryKind::kNowhere) distances[i].value = std::numeric_limits<double>::quiet_NaN();
  }
  index_store_float8_orderby_distances(descriptor, types, distances,
                                       scan.kind == QueryKind::kVector && !scan.is_certain);
}

}  // namespace

IndexScanDesc BeginScan(Relation relation, int keys, int order_bys) {
  const IndexScanDesc descriptor = RelationGetIndexScan(relation, keys, order_bys);
  Scan* scan = static_cast<Scan*>(palloc0(sizeof(Scan)));
  scan->is_ordered = order_bys > 0;
  scan->index = OpenIndex(relation);
  scan->graph = new (palloc(sizeof(PageGraph))) PageGraph(*scan->index);
  scan->rows = new (palloc(sizeof(RowMap))) RowMap(*scan->index);
  scan->query_buffer = palloc(hnsw::QueryBufferSize(scan->index->geometry()));
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
  scan.was_spent = false;
  scan.given = {};
  scan.is_over = false;
  scan.late = {};
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
    counters.walked |= scan.search->hops() > 0;
    counters.is_filtered = !scan.filter->is_empty();
    counters.matches = scan.estimate.matches;
    ++counters.scans;
  }
  counters.pages = static_cast<int64>(scan.graph->reads());
  if (scan.whole != nullptr) {
    counters.nodes += static_cast<int64>(scan.whole->visits());
    counters.rest = scan.rest;
  }
  return counters;
}

bool NextTuple(IndexScanDesc descriptor, ScanDirection) {
  Scan& scan = State(descriptor);
  if (scan.search == nullptr) Start(descriptor, scan);
  if (descriptor->kill_prior_tuple && scan.may_hide)
    scan.graph->Hide(scan.answer.node, scan.answer.target, scan.tuples[0].tuple);
  while (scan.next_tuple == scan.tuples.size)
    if (!NextNode(scan)) return false;
  scan.may_hide = !(scan.answer.flags & hnsw::kShared);
  const FoundRow& row = scan.tuples[scan.next_tuple++];
  descriptor->xs_heaptid = row.tuple;
  descriptor->xs_recheck = row.recheck;
  if (scan.is_ordered) StoreDistances(descriptor, scan);
  ++last_scan.rows;
  ++scan.total.rows;
  return true;
}

int64 GetBitmap(IndexScanDesc descriptor, TIDBitmap* bitmap) {
  int64 rows = 0;
  for (; NextTuple(descriptor, ForwardScanDirection); ++rows)
    tbm_add_tuples(bitmap, &descriptor->xs_heaptid, 1, descriptor->xs_recheck);
  return rows;
}

void EndScan(IndexScanDesc descriptor) {
  Scan& scan = State(descriptor);
  if (scan.whole != nullptr) scan.whole->End();
  MemoryContextDelete(scan.context);
}

}  // namespace medvec::index
