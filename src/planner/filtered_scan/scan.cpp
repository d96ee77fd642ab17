// The executor's part of "HNSW Filtered Scan".
#include <algorithm>
#include <cmath>

#include "index/cost.hpp"
#include "index/options.hpp"
#include "index/prices.hpp"
#include "planner/custom_node.hpp"
#include "planner/filtered_scan/exact_rows.hpp"
#include "planner/filtered_scan/indexed_rows.hpp"
#include "planner/filtered_scan/node.hpp"
#include "planner/filtered_scan/set.hpp"

namespace medvec::planner::filtered_scan {

namespace {

// Rows of a page, where the statistics do not tell.
constexpr double kRowsPerPage = 50;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// From one to the next, where the one before does not suffice.
enum Strategy {
  kAskRows,    // search, and fetch the row of each node to ask it the conditions: where many meet them
  kSearchSet,  // make the set, and search among its rows
  kReadTable,  // make the set, and measure all its rows
  kStrategies
};
constexpr const char* kStrategyNames[] = {"walk, asking rows", "set by index", "set by table"};

struct ScanState {
  CustomScanState node;  // first
  PlanData data;
  ExprState* conditions;
  ExprState* query;
  List* limit;        // of ExprState
  PlanState* bitmap;  // null: no other index knows a condition
  Relation index;
  Rows* rows;
  index::OrderedScan* search;
  ScanKeyData* keys;  // conditions on filter columns of the index
  int key_count, runtime_key_count;
  IndexRuntimeKeyInfo* runtime_keys;
  ExprContext* key_context;

  MemoryContext set_context;  // of the set
  index::TidSet* set;         // null: to be made
  double set_rows;            // how many it has, about

  MemoryContext context;  // of one scan
  Given given;
  Strategy strategy;
  bool is_begun;
  Datum query_value;
  bool is_query_null;
  double wanted;  // rows that will be taken; 0: not known
  BoundedScan by_bounds;
  bool has_searched;
  IndexedRows* indexed;
  ExactRows* exact;

  // For EXPLAIN, of all scans.
  uint64 sets, begun[kStrategies];
};

ScanState& State(CustomScanState* node) { return *reinterpret_cast<ScanState*>(node); }

bool is_by_bounds(const ScanState& state) { return state.data.looked_at > 0; }

void PrepareSet(ScanState& state) {
  const MemoryContext outer = MemoryContextSwitchTo(state.set_context);
  state.set = MakeSet(state.bitmap);
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

double Nodes(const ScanState& state) { return NodeCount(state.search->index()); }
index::prices::RowPages PagesOfRows(const ScanState& state) { return index::prices::RowPagesOf(state.search->index()); }

// Expected share, of `rows` rows that the index can tell, of those that meet all conditions.
double Passing(const ScanState& state, double rows) {
  return std::clamp(state.data.rows / std::max(1.0, rows * state.data.key_share), 0.001, 1.0);
}

// Share of the rows in the set that meet the conditions which it does not answer, nor the index.
double PassingInSet(const ScanState& state) {
  return state.data.has_residual ? Passing(state, state.data.set_rows) : 1;
}

// Of reading so many rows of the set from the table, and measuring those that pass, in visits.
double TablePrice(const ScanState& state, double rows) {
  const index::Index& index = state.search->index();
  const double row = index::prices::TableRow(static_cast<double>(index.meta.dim) * index.operators.element_bytes);
  return rows * (index::prices::kInlineRow + state.data.question +
                 PassingInSet(state) * state.data.key_share * (row - index::prices::kInlineRow));
}

// False: a search makes no sense, because nothing is near to the query.
bool StartSearch(ScanState& state, const index::OrderedScan::Wanted& wanted, double alternative) {
  state.search->Start({
      .query = state.query_value,
      .is_null = state.is_query_null,
      .keys = state.keys,
      .key_count = state.key_count,
      // A standby's snapshot may see rows that are dead to everybody on the primary.
      .with_hidden = TransactionStartedDuringRecovery(),
      .order = index::OrderedScan::Order::kRelaxed,
      .limit = state.wanted,
      .likely = is_by_bounds(state) ? state.data.limit : 0,
      .most = state.by_bounds.most_rows < kInfinity ? state.by_bounds.most_rows : 0,
      .may_probe = !state.has_searched,
      .goes_on = state.has_searched,
      .wanted = wanted,
      .alternative = alternative,
  });
  state.has_searched = true;
  if (state.search->kind() != index::QueryKind::kVector && state.bitmap != nullptr) return false;
  std::sort(state.given.tids.begin(), state.given.tids.end());
  state.indexed =
      new (palloc(sizeof(IndexedRows))) IndexedRows(*state.rows, *state.search, index::ServerMemory(state.context),
                                                    state.wanted, state.bitmap == nullptr, state.given);
  return true;
}

double AskingPrice(const ScanState& state) { return index::prices::kFetch + state.data.question; }

// Before there is a set, only estimates tell how many rows pass. Whatever they say, the first beam may show that many
// rows lie near the query. It ends where the way to enough of them is to be seen to cost more than the other ways.
// Without a bitmap this search is all there is, and reads the index itself.
bool BeginAskRows(ScanState& state) {
  const double nodes = Nodes(state), beam = state.search->Beam(state.wanted);
  index::OrderedScan::Wanted wanted = {
      .test = {PassesRow, &state}, .test_price = AskingPrice(state), .passing = Passing(state, nodes)};
  if (state.bitmap == nullptr && !state.data.has_residual) wanted = {};
  if (state.bitmap == nullptr) return StartSearch(state, wanted, kInfinity);
  if (state.set != nullptr || state.is_query_null) return false;
  const double set_rows = state.data.set_rows;
  const double other =
      index::prices::kBitmapRow * set_rows +
      std::min({index::prices::Walk(nodes, set_rows, beam),
                index::prices::Matches(PagesOfRows(state), nodes, set_rows, true), TablePrice(state, set_rows)});
  const double visit = 1 + AskingPrice(state);
  const double asking = visit * index::prices::Walk(nodes, state.data.rows, beam);
  const bool probes = visit * hnsw::kGlance <= index::prices::kProbe * other && state.wanted < state.data.rows;
  if (index::prices::kWalkRisk * asking > other && !probes) return false;
  return StartSearch(state, wanted, other);
}

// The number of rows in the set is known. Where they lie is not: if the search turns out to visit more than reading the
// set costs, the set is read after all.
bool BeginSearchSet(ScanState& state) {
  if (state.set == nullptr) PrepareSet(state);
  if (state.is_query_null) return false;
  const double nodes = Nodes(state), table = TablePrice(state, state.set_rows);
  const double matches = state.set_rows * state.data.key_share;
  const double passing = PassingInSet(state);
  const double fetched = std::min(matches, state.wanted / passing);
  const double read =
      index::prices::Matches(PagesOfRows(state), nodes, matches, true) + index::prices::kFetch * fetched;
  const double walk = index::prices::Walk(nodes, matches * passing, state.search->Beam(state.wanted));
  if (table <= std::min(read, index::prices::kWalkRisk * walk)) return false;
  index::OrderedScan::Wanted wanted = {.set = state.set, .set_rows = state.set_rows, .test = {}, .passing = passing};
  if (state.data.has_residual) wanted.test = {PassesRow, &state}, wanted.test_price = AskingPrice(state);
  return StartSearch(state, wanted, table);
}

bool BeginReadTable(ScanState& state) {
  state.search->LeaveToTable(state.set_rows);
  std::sort(state.given.tids.begin(), state.given.tids.end());
  state.exact = new (palloc(sizeof(ExactRows)))
      ExactRows(*state.rows, *state.set, index::ServerMemory(state.context), state.given.tids, state.given.floor());
  return true;
}

// Begins with the first strategy from `first` on that is worth while.
void Begin(ScanState& state, Strategy first) {
  const MemoryContext outer = MemoryContextSwitchTo(state.context);
  bool (*const begin[kStrategies])(ScanState&) = {BeginAskRows, BeginSearchSet, BeginReadTable};
  int strategy = first;
  while (!begin[strategy](state)) ++strategy;
  state.strategy = static_cast<Strategy>(strategy);
  ++state.begun[strategy];
  MemoryContextSwitchTo(outer);
}

// What LIMIT and OFFSET say.
double RowsWanted(const ScanState& state) {
  if (state.limit == NIL) return state.data.limit;
  double wanted = 0;
  ListCell* cell;
  foreach (cell, state.limit) {
    bool is_null;
    const Datum value = ExecEvalExpr(static_cast<ExprState*>(lfirst(cell)), state.node.ss.ps.ps_ExprContext, &is_null);
    if (!is_null) wanted += static_cast<double>(DatumGetInt64(value));
    if (is_null && cell == list_head(state.limit)) return index::kAllRows;
  }
  return std::max(wanted, 0.0);
}

// For how many rows the beam is to be. By bounds those have to be found that the reader will take, of all that it looks
// at: a search for them alone would widen its beam by the share that it meets (core/hnsw/search.hpp).
double RowsOfBeam(const ScanState& state) {
  const double wanted = RowsWanted(state);
  if (!is_by_bounds(state)) return wanted;
  return std::max(wanted, state.search->Beam(0) * std::pow(state.data.looked_at, hnsw::kWidthPower)) /
         index::prices::kBeamPerRow;
}

void BeginScan(ScanState& state) {
  MemoryContext outer = MemoryContextSwitchTo(state.node.ss.ps.state->es_query_cxt);
  if (state.search == nullptr) state.search = new (palloc(sizeof(index::OrderedScan))) index::OrderedScan(state.index);
  MemoryContextSwitchTo(state.context);
  if (state.runtime_key_count > 0) {
    ResetExprContext(state.key_context);
    ExecIndexEvalRuntimeKeys(state.key_context, state.runtime_keys, state.runtime_key_count);
  }
  state.query_value = ExecEvalExpr(state.query, state.node.ss.ps.ps_ExprContext, &state.is_query_null);
  state.wanted = RowsOfBeam(state);
  state.by_bounds.Restart();
  state.has_searched = false;
  state.given = {};
  state.is_begun = true;
  MemoryContextSwitchTo(outer);
  Begin(state, kAskRows);
}

// Puts the next row into the slot. False: there are no more.
bool Next(ScanState& state) {
  double* bound = &state.by_bounds.bound;
  while (state.strategy != kReadTable) {
    if (is_by_bounds(state) ? state.indexed->NextByBound(bound) : state.indexed->Next()) return true;
    if (state.bitmap == nullptr) return false;
    Begin(state, static_cast<Strategy>(state.strategy + 1));
  }
  if (!state.exact->Next()) return false;
  *bound = state.exact->distance();
  return true;
}

TupleTableSlot* NextRow(ScanState& state) {
  if (!state.is_begun) BeginScan(state);
  BoundedScan& scan = state.by_bounds;
  if (!scan.is_paused() && !scan.is_over) {
    scan.is_over = !Next(state);
    ++scan.rows;
    if (!scan.is_over) return state.rows->slot();
  }
  return ExecClearTuple(state.rows->slot());
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
  state.by_bounds = {};
  UseTableSlot(state, estate);
  const auto expression = [plan](Expressions which) { return list_nth(plan->custom_exprs, which); };
  ExprState* distance = ExecInitExpr(static_cast<Expr*>(expression(kDistance)), &node->ss.ps);
  state.query = ExecInitExpr(static_cast<Expr*>(expression(kQuery)), &node->ss.ps);
  state.limit = ExecInitExprList(static_cast<List*>(expression(kLimit)), &node->ss.ps);
  if (plan->custom_plans != NIL) {
    state.bitmap = ExecInitNode(static_cast<Plan*>(linitial(plan->custom_plans)), estate,
                                flags & ~(EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK));
    node->custom_ps = list_make1(state.bitmap);
  }
  if (flags & EXEC_FLAG_EXPLAIN_ONLY) return;
  if (!IsMVCCSnapshot(estate->es_snapshot)) elog(ERROR, "non-MVCC snapshots are not supported with hnsw");
  state.index = index_open(state.data.index, exec_rt_fetch(plan->scan.scanrelid, estate)->rellockmode);
  ExecIndexBuildScanKeys(&node->ss.ps, state.index, static_cast<List*>(expression(kIndexQuals)), false, &state.keys,
                         &state.key_count, &state.runtime_keys, &state.runtime_key_count, nullptr, nullptr);
  state.key_context = CreateExprContext(estate);
  state.rows = new (palloc(sizeof(Rows))) Rows(node, state.conditions, distance);
  state.set_context = AllocSetContextCreate(estate->es_query_cxt, "filtered scan: set", ALLOCSET_DEFAULT_SIZES);
  state.context = AllocSetContextCreate(estate->es_query_cxt, "filtered scan", ALLOCSET_DEFAULT_SIZES);
}

TupleTableSlot* ExecNode(CustomScanState* node) { return ExecScan(&node->ss, Access, Recheck); }

void RescanNode(CustomScanState* node) {
  ScanState& state = State(node);
  ExecScanReScan(&node->ss);
  if (state.bitmap != nullptr && node->ss.ps.chgParam != nullptr)
    UpdateChangedParamSet(state.bitmap, node->ss.ps.chgParam);
  // The set stays where nothing changed for the bitmap: another query vector, the same filter.
  if (state.bitmap != nullptr && state.bitmap->chgParam != nullptr) {
    state.set = nullptr;
    MemoryContextReset(state.set_context);
  }
  if (state.search != nullptr) state.search->End();
  state.is_begun = false;
  state.by_bounds.Restart();
  MemoryContextReset(state.context);
  state.rows->Reset();
}

void EndNode(CustomScanState* node) {
  ScanState& state = State(node);
  if (state.bitmap != nullptr) ExecEndNode(state.bitmap);
  if (state.index == nullptr) return;
  if (state.search != nullptr) state.search->End();
  ExecClearTuple(node->ss.ss_ScanTupleSlot);
  state.rows->End();
  index_close(state.index, NoLock);
}

void ExplainNode(CustomScanState* node, List* ancestors, ExplainState* es) {
  const ScanState& state = State(node);
  const CustomScan* plan = reinterpret_cast<CustomScan*>(node->ss.ps.plan);
  ExplainPropertyText("Index", get_rel_name(state.data.index), es);
  List* context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, ancestors);
  const bool qualify = list_length(es->rtable) > 1 || es->verbose;
  if (List* quals = static_cast<List*>(list_nth(plan->custom_exprs, kIndexQualsOrig)))
    ExplainPropertyText("Index Cond",
                        deparse_expression(reinterpret_cast<Node*>(make_ands_explicit(quals)), context, qualify, false),
                        es);
  ExplainPropertyText(
      is_by_bounds(state) ? "Order By Bound" : "Order By",
      deparse_expression(static_cast<Node*>(list_nth(plan->custom_exprs, kDistance)), context, qualify, false), es);
  if (!es->analyze || state.search == nullptr) return;
  if (state.bitmap != nullptr || state.data.has_residual) ExplainStrategies(kStrategyNames, state.begun, es);
  if (state.set != nullptr) {
    ExplainPropertyUInteger("Rows in Set", nullptr, state.set->tuples(), es);
    if (state.set->whole_pages() > 0 || es->format != EXPLAIN_FORMAT_TEXT)
      ExplainPropertyUInteger("Whole Pages in Set", nullptr, state.set->whole_pages(), es);
  }
  const index::ScanCounters counters = state.search->counters();
  ExplainPropertyText("Search", counters.Strategy(), es);
  ExplainPropertyInteger("Nodes Visited", nullptr, counters.nodes, es);
  ExplainPropertyInteger("Index Pages Read", nullptr, counters.pages, es);
  ExplainPropertyUInteger("Rows Fetched", nullptr, state.rows->fetched(), es);
  ExplainPropertyUInteger("Rows Measured", nullptr, state.rows->measured(), es);
  if (state.sets > 1) ExplainPropertyUInteger("Sets", nullptr, state.sets, es);
}

constexpr CustomExecMethods exec_methods =
    ExecMethods(kNodeName, BeginNode, ExecNode, EndNode, RescanNode, ExplainNode);

}  // namespace

Node* CreateState(CustomScan*) { return MakeState<ScanState>(&exec_methods); }

BoundedScan* AsBoundedScan(PlanState* node) {
  if (!IsA(node, CustomScanState) || reinterpret_cast<CustomScanState*>(node)->methods != &exec_methods) return nullptr;
  ScanState& state = State(reinterpret_cast<CustomScanState*>(node));
  return is_by_bounds(state) ? &state.by_bounds : nullptr;
}

}  // namespace medvec::planner::filtered_scan
