// The executor's part of "HNSW Filtered Scan".
#include <algorithm>
#include <cmath>

#include "index/options.hpp"
#include "planner/filtered_scan/exact_rows.hpp"
#include "planner/filtered_scan/node.hpp"
#include "planner/filtered_scan/walked_rows.hpp"

namespace medvec::planner::filtered_scan {

namespace {

// Prices in nodes visited (about 1 us). Of a row fetched and asked the conditions; of one that is measured too, in the
// order of the table, with its vector in the row or out of line; of a row that an index puts into a bitmap and we take
// out.
constexpr double kRow = 0.5, kInlineRow = 0.25, kOutOfLineRow = 2, kBitmapRow = 0.02;
constexpr size_t kOutOfLineBytes = 2000;
// Nodes visited for each row of the beam, at best.
constexpr double kVisitsPerEf = 2;
// Share of the other strategies' price that is risked to see whether rows near the query pass.
constexpr double kProbe = 1.0 / 8;
// Rows of a page, where the statistics do not tell.
constexpr double kRowsPerPage = 50;

// From one to the next, where the one before does not suffice.
enum Strategy {
  kWalkRows,  // walk, and fetch the row of each node to ask it the conditions: where many meet them
  kWalkSet,   // make the set, walk, and look up the row of each node there
  kReadSet,   // make the set, and measure all its rows
  kStrategies
};
constexpr const char* kStrategyNames[] = {"walk, asking rows", "walk in set", "whole set"};

struct ScanState {
  CustomScanState node;  // first
  PlanData data;
  ExprState* conditions;
  ExprState* query;
  PlanState* bitmap;
  Relation index;
  Rows* rows;
  index::FilteredWalk* walk;

  MemoryContext set_context;  // of the set
  index::TidSet* set;         // null: to be made
  double set_rows;            // how many it has, about

  MemoryContext context;  // of one scan
  Given given;
  Strategy strategy;
  bool is_begun;
  WalkedRows* walked;
  ExactRows* exact;

  // For EXPLAIN, of all scans.
  uint64 sets, begun[kStrategies];
};

ScanState& State(CustomScanState* node) { return *reinterpret_cast<ScanState*>(node); }

void MakeSet(ScanState& state) {
  // The index scans below keep things of their own where they are called: for the whole statement.
  const MemoryContext outer = MemoryContextSwitchTo(state.node.ss.ps.state->es_query_cxt);
  Node* result = MultiExecProcNode(state.bitmap);
  if (result == nullptr || !IsA(result, TIDBitmap)) elog(ERROR, "unrecognized result from subplan");
  TIDBitmap* bitmap = reinterpret_cast<TIDBitmap*>(result);
  MemoryContextSwitchTo(state.set_context);
  state.set = new (palloc(sizeof(index::TidSet))) index::TidSet;
  state.set->Drain(bitmap);
  tbm_free(bitmap);
  MemoryContextSwitchTo(outer);
  ++state.sets;

  const FormData_pg_class& table = *state.node.ss.ss_currentRelation->rd_rel;
  const double per_page =
      table.reltuples > 0 && table.relpages > 0 ? static_cast<double>(table.reltuples) / table.relpages : kRowsPerPage;
  state.set_rows = static_cast<double>(state.set->tuples()) + per_page * static_cast<double>(state.set->whole_pages());
}

bool PassesRow(void* context, const ItemPointerData& tuple) {
  ScanState& state = *static_cast<ScanState*>(context);
  return state.rows->Fetch(TidKey(tuple)) && state.rows->Passes();
}
bool PassesSet(void* context, const ItemPointerData& tuple) {
  return static_cast<ScanState*>(context)->set->Contains(tuple);
}
bool PassesSetAndRow(void* context, const ItemPointerData& tuple) {
  return PassesSet(context, tuple) && PassesRow(context, tuple);
}

// Nodes that a walk visits among which so many rows pass.
double Visits(const ScanState& state, double rows) {
  return kVisitsPerEf * std::max<double>(index::settings::ef_search, state.data.limit) * state.walk->nodes() /
         std::max(1.0, rows);
}

double PriceOfReading(const ScanState& state, double rows) {
  return rows * (state.walk->vector_bytes() > kOutOfLineBytes ? kOutOfLineRow : kInlineRow);
}

// False: a walk makes no sense.
bool StartWalk(ScanState& state, bool (*passes)(void*, const ItemPointerData&), double budget, double most) {
  bool is_null;
  const Datum query = ExecEvalExpr(state.query, state.node.ss.ps.ps_ExprContext, &is_null);
  if (!state.walk->Start(query, is_null, {passes, &state}, static_cast<size_t>(std::min(budget, 1e15)))) return false;
  std::sort(state.given.tids.begin(), state.given.tids.end());
  const double wanted = state.data.limit > 0 ? state.data.limit : 1;
  state.walked = new (palloc(sizeof(WalkedRows)))
      WalkedRows(*state.rows, *state.walk, index::ServerMemory(state.context), std::min(wanted, most), state.given);
  return true;
}

// Before there is a set, only estimates tell how many rows pass. By them the walk may come to the price of making the
// set, so that a wrong estimate costs as much again. Else a probe may show that many rows lie near the query.
bool BeginWalkRows(ScanState& state) {
  if (state.set != nullptr) return false;
  const double make_set = kBitmapRow * state.data.set_rows;
  const double visits = Visits(state, state.data.rows), least = Visits(state, state.walk->nodes());
  double budget = std::max(visits, make_set / (1 + kRow));
  if ((1 + kRow) * visits > make_set) {
    const double other = std::min(Visits(state, state.data.set_rows), PriceOfReading(state, state.data.set_rows));
    budget = (make_set + other) * kProbe;
    if (budget < least) return false;
  }
  return StartWalk(state, PassesRow, budget, state.data.rows);
}

// The number of rows in the set is known. Where they lie is not: if the walk turns out to visit more than reading the
// set costs, the set is read after all.
bool BeginWalkSet(ScanState& state) {
  if (state.set == nullptr) MakeSet(state);
  if (Visits(state, state.set_rows) > PriceOfReading(state, state.set_rows)) return false;
  return StartWalk(state, state.data.has_residual ? PassesSetAndRow : PassesSet, PriceOfReading(state, state.set_rows),
                   state.set_rows);
}

bool BeginReadSet(ScanState& state) {
  std::sort(state.given.tids.begin(), state.given.tids.end());
  state.exact = new (palloc(sizeof(ExactRows)))
      ExactRows(*state.rows, *state.set, index::ServerMemory(state.context), state.given.tids, state.given.floor());
  return true;
}

// Begins with the first strategy from `first` on that is worth while.
void Begin(ScanState& state, Strategy first) {
  MemoryContext outer = MemoryContextSwitchTo(state.node.ss.ps.state->es_query_cxt);
  if (state.walk == nullptr) state.walk = new (palloc(sizeof(index::FilteredWalk))) index::FilteredWalk(state.index);
  MemoryContextSwitchTo(state.context);
  bool (*const begin[kStrategies])(ScanState&) = {BeginWalkRows, BeginWalkSet, BeginReadSet};
  int strategy = first;
  while (!begin[strategy](state)) ++strategy;
  state.strategy = static_cast<Strategy>(strategy);
  state.is_begun = true;
  ++state.begun[strategy];
  MemoryContextSwitchTo(outer);
}

TupleTableSlot* NextRow(ScanState& state) {
  if (!state.is_begun) Begin(state, kWalkRows);
  while (state.strategy != kReadSet) {
    if (state.walked->Next()) return state.rows->slot();
    Begin(state, static_cast<Strategy>(state.strategy + 1));
  }
  return state.exact->Next() ? state.rows->slot() : ExecClearTuple(state.rows->slot());
}

TupleTableSlot* Access(::ScanState* node) { return NextRow(State(reinterpret_cast<CustomScanState*>(node))); }

// A newer version of a row that was waited for must meet the conditions too.
bool Recheck(::ScanState* node, TupleTableSlot* slot) {
  const ScanState& state = State(reinterpret_cast<CustomScanState*>(node));
  ExprContext* context = node->ps.ps_ExprContext;
  context->ecxt_scantuple = slot;
  return state.conditions == nullptr || ExecQual(state.conditions, context);
}

// Core prepared the node for virtual tuples, which know no system columns: prepare it again for those of the table. And
// the conditions are asked by us, before a row is measured.
void UseTableSlot(ScanState& state, EState* estate) {
  CustomScanState& node = state.node;
  const CustomScan* plan = reinterpret_cast<CustomScan*>(node.ss.ps.plan);
  const Relation table = node.ss.ss_currentRelation;
  ExecInitScanTupleSlot(estate, &node.ss, RelationGetDescr(table), table_slot_callbacks(table));
  node.ss.ps.subPlan = NIL;
  ExecAssignScanProjectionInfoWithVarno(&node.ss, static_cast<int>(plan->scan.scanrelid));
  node.ss.ps.qual = nullptr;
  state.conditions = ExecInitQual(plan->scan.plan.qual, &node.ss.ps);
}

void BeginNode(CustomScanState* node, EState* estate, int flags) {
  ScanState& state = State(node);
  const CustomScan* plan = reinterpret_cast<CustomScan*>(node->ss.ps.plan);
  state.data = ReadPrivate(plan->custom_private);
  UseTableSlot(state, estate);
  ExprState* distance = ExecInitExpr(static_cast<Expr*>(linitial(plan->custom_exprs)), &node->ss.ps);
  state.query = ExecInitExpr(static_cast<Expr*>(lsecond(plan->custom_exprs)), &node->ss.ps);
  state.bitmap = ExecInitNode(static_cast<Plan*>(linitial(plan->custom_plans)), estate,
                              flags & ~(EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK));
  node->custom_ps = list_make1(state.bitmap);
  if (flags & EXEC_FLAG_EXPLAIN_ONLY) return;
  if (!IsMVCCSnapshot(estate->es_snapshot)) elog(ERROR, "non-MVCC snapshots are not supported with hnsw");
  state.index = index_open(state.data.index, exec_rt_fetch(plan->scan.scanrelid, estate)->rellockmode);
  state.rows = new (palloc(sizeof(Rows))) Rows(node, state.conditions, distance);
  state.set_context = AllocSetContextCreate(estate->es_query_cxt, "filtered scan: set", ALLOCSET_DEFAULT_SIZES);
  state.context = AllocSetContextCreate(estate->es_query_cxt, "filtered scan", ALLOCSET_DEFAULT_SIZES);
}

TupleTableSlot* ExecNode(CustomScanState* node) { return ExecScan(&node->ss, Access, Recheck); }

void RescanNode(CustomScanState* node) {
  ScanState& state = State(node);
  ExecScanReScan(&node->ss);
  if (node->ss.ps.chgParam != nullptr) UpdateChangedParamSet(state.bitmap, node->ss.ps.chgParam);
  // The set stays where nothing changed for the bitmap: another query vector, the same filter.
  if (state.bitmap->chgParam != nullptr) {
    state.set = nullptr;
    MemoryContextReset(state.set_context);
  }
  if (state.walk != nullptr) state.walk->End();
  state.is_begun = false;
  state.given = {};
  MemoryContextReset(state.context);
  state.rows->Reset();
}

void EndNode(CustomScanState* node) {
  ScanState& state = State(node);
  ExecEndNode(state.bitmap);
  if (state.index == nullptr) return;
  if (state.walk != nullptr) state.walk->End();
  ExecClearTuple(node->ss.ss_ScanTupleSlot);
  state.rows->End();
  index_close(state.index, NoLock);
}

void ExplainNode(CustomScanState* node, List* ancestors, ExplainState* es) {
  const ScanState& state = State(node);
  const CustomScan* plan = reinterpret_cast<CustomScan*>(node->ss.ps.plan);
  ExplainPropertyText("Index", get_rel_name(state.data.index), es);
  List* context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, ancestors);
  ExplainPropertyText("Order By",
                      deparse_expression(static_cast<Node*>(linitial(plan->custom_exprs)), context,
                                         list_length(es->rtable) > 1 || es->verbose, false),
                      es);
  if (!es->analyze || state.walk == nullptr) return;
  List* strategies = NIL;
  for (int i = 0; i < kStrategies; ++i)
    if (state.begun[i] > 0) strategies = lappend(strategies, const_cast<char*>(kStrategyNames[i]));
  ExplainPropertyList("Strategy", strategies, es);
  if (state.set != nullptr) {
    ExplainPropertyUInteger("Rows in Set", nullptr, state.set->tuples(), es);
    if (state.set->whole_pages() > 0 || es->format != EXPLAIN_FORMAT_TEXT)
      ExplainPropertyUInteger("Whole Pages in Set", nullptr, state.set->whole_pages(), es);
  }
  ExplainPropertyUInteger("Nodes Visited", nullptr, state.walk->nodes_visited(), es);
  ExplainPropertyUInteger("Index Pages Read", nullptr, state.walk->pages_read(), es);
  ExplainPropertyUInteger("Rows Fetched", nullptr, state.rows->fetched(), es);
  ExplainPropertyUInteger("Rows Measured", nullptr, state.rows->measured(), es);
  if (state.sets > 1) ExplainPropertyUInteger("Sets", nullptr, state.sets, es);
}

constexpr CustomExecMethods exec_methods = {
    .CustomName = kNodeName,
    .BeginCustomScan = BeginNode,
    .ExecCustomScan = ExecNode,
    .EndCustomScan = EndNode,
    .ReScanCustomScan = RescanNode,
    .MarkPosCustomScan = nullptr,
    .RestrPosCustomScan = nullptr,
    .EstimateDSMCustomScan = nullptr,
    .InitializeDSMCustomScan = nullptr,
    .ReInitializeDSMCustomScan = nullptr,
    .InitializeWorkerCustomScan = nullptr,
    .ShutdownCustomScan = nullptr,
    .ExplainCustomScan = ExplainNode,
};

}  // namespace

Node* CreateState(CustomScan*) {
  ScanState* state = static_cast<ScanState*>(palloc0(sizeof(ScanState)));
  NodeSetTag(state, T_CustomScanState);
  state->node.methods = &exec_methods;
  return reinterpret_cast<Node*>(state);
}

}  // namespace medvec::planner::filtered_scan
