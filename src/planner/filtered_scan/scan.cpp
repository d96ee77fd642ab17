// The executor's part of "HNSW Filtered Scan".
#include <algorithm>
#include <cmath>

#include "index/options.hpp"
#include "planner/filtered_scan/exact_rows.hpp"
#include "planner/filtered_scan/node.hpp"
#include "planner/filtered_scan/walked_rows.hpp"

namespace medvec::planner::filtered_scan {

namespace {

// What fetching a row and measuring it costs, in nodes visited: a vector in its row; out of line.
constexpr double kInlineRow = 1, kOutOfLineRow = 4;
constexpr size_t kOutOfLineBytes = 2000;
// Nodes visited for each row of the beam, at best.
constexpr double kVisitsPerEf = 2;
// Rows of a page, where the statistics do not tell.
constexpr double kRowsPerPage = 50;

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
  WalkedRows* walked;     // null: not (yet) walking
  ExactRows* exact;       // null: not (yet) reading the set
  hnsw::Array<uint64> none_given;

  // For EXPLAIN, of all scans.
  uint64 sets, walks, exacts;
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
  state.set_rows =
      static_cast<double>(state.set->tuples()) + per_page * static_cast<double>(state.set->whole_pages());
}

// The rows of the set one by one, from where the walk has come to.
void ReadSet(ScanState& state) {
  hnsw::Array<uint64>* given = &state.none_given;
  uint64 floor = 0;
  if (state.walked != nullptr) {
    given = &state.walked->given();
    floor = state.walked->floor();
    std::sort(given->begin(), given->end());
  }
  state.exact = new (MemoryContextAlloc(state.context, sizeof(ExactRows)))
      ExactRows(*state.rows, *state.set, index::ServerMemory(state.context), *given, floor);
  ++state.exacts;
}

// Walks, if that visits less than the set costs to read, as far as the number of its rows tells. If it turns out to
// visit more, as where the rows lie far from the query, the set is read after all: at most twice the price.
void Begin(ScanState& state) {
  if (state.set == nullptr) MakeSet(state);
  const MemoryContext outer = MemoryContextSwitchTo(state.context);
  if (state.walk == nullptr) {
    MemoryContextSwitchTo(state.node.ss.ps.state->es_query_cxt);
    state.walk = new (palloc(sizeof(index::FilteredWalk))) index::FilteredWalk(state.index);
    MemoryContextSwitchTo(state.context);
  }
  const double ef = index::settings::ef_search;
  const double price =
      state.set_rows * (state.walk->vector_bytes() > kOutOfLineBytes ? kOutOfLineRow : kInlineRow);
  const double visits =
      kVisitsPerEf * std::max(ef, state.data.limit) * state.walk->nodes() / std::max(1.0, state.set_rows);
  bool is_null = true;
  Datum query = 0;
  if (visits < price) {
    ExprContext* expressions = state.node.ss.ps.ps_ExprContext;
    query = ExecEvalExpr(state.query, expressions, &is_null);
  }
  if (!is_null && state.walk->Start(query, false, *state.set, static_cast<size_t>(std::min(price, 1e15)))) {
    const double wanted = state.data.limit > 0 ? state.data.limit : state.data.has_residual ? ef : 1;
    state.walked = new (palloc(sizeof(WalkedRows)))
        WalkedRows(*state.rows, *state.walk, index::ServerMemory(state.context), std::min(wanted, state.set_rows));
    ++state.walks;
  } else {
    ReadSet(state);
  }
  MemoryContextSwitchTo(outer);
}

TupleTableSlot* NextRow(ScanState& state) {
  if (state.walked == nullptr && state.exact == nullptr) Begin(state);
  if (state.exact == nullptr) {
    if (state.walked->Next()) return state.rows->slot();
    const bool is_all = state.set->whole_pages() == 0 && state.walked->seen() == state.set->tuples();
    if (is_all) return ExecClearTuple(state.rows->slot());
    ReadSet(state);
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
  state.walked = nullptr;
  state.exact = nullptr;
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
  if (!es->analyze || state.rows == nullptr || (state.walks == 0 && state.exacts == 0)) return;
  const char* strategy = state.walks == 0 ? "set" : state.exacts == 0 ? "walk" : "walk, then set";
  ExplainPropertyText("Strategy", strategy, es);
  if (state.set != nullptr) {
    ExplainPropertyUInteger("Rows in Set", nullptr, state.set->tuples(), es);
    if (state.set->whole_pages() > 0 || es->format != EXPLAIN_FORMAT_TEXT)
      ExplainPropertyUInteger("Whole Pages in Set", nullptr, state.set->whole_pages(), es);
  }
  if (state.walks > 0 || es->format != EXPLAIN_FORMAT_TEXT) {
    ExplainPropertyUInteger("Nodes Visited", nullptr, state.walk->nodes_visited(), es);
    ExplainPropertyUInteger("Index Pages Read", nullptr, state.walk->pages_read(), es);
  }
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
