#include <algorithm>

#include "planner/custom_node.hpp"
#include "planner/semi_join_reduction/key_table.hpp"
#include "planner/semi_join_reduction/lookup_rows.hpp"
#include "planner/semi_join_reduction/node.hpp"

namespace medvec::planner::semi_join_reduction {

namespace {

enum Strategy { kLookups, kReduction, kUnboundedLookups, kStrategies };
constexpr const char* kStrategyNames[kStrategies] = {"look-ups", "reduction", "look-ups without bound"};

struct JoinState {
  CustomScanState node;
  PlanData data;
  PlanState *other, *vectors;
  LookupRows* lookups;      // null: there are none
  ExprState *left, *right;  // the key
  KeyOperators* operators;
  TupleTableSlot* other_row;

  MemoryContext table_context;
  KeyTable* table;    // of the rows of the other side that have been read
  bool is_read;       // all of them
  bool is_too_large;  // they do not fit in memory
  int64 rows_read;
  size_t keys;  // of them, at last

  bool is_begun;
  Strategy strategy;
  int64 begun[kStrategies];
  bool is_done;
  TupleTableSlot* row;         // with a vector; null: none
  const KeyTable::Row* match;  // the next row with that key
};

JoinState& State(CustomScanState* node) { return *reinterpret_cast<JoinState*>(node); }

TupleTableSlot* ScanSlot(const JoinState& state) { return state.node.ss.ss_ScanTupleSlot; }

// Puts a child's row into the node's tuple, from column `first` on.
void Place(TupleTableSlot* tuple, TupleTableSlot* row, int first) {
  slot_getallattrs(row);
  const size_t columns = static_cast<size_t>(row->tts_tupleDescriptor->natts);
  memcpy(tuple->tts_values + first, row->tts_values, columns * sizeof(Datum));
  memcpy(tuple->tts_isnull + first, row->tts_isnull, columns * sizeof(bool));
}

// The node's tuple, of one or both sides; without a row the side's columns are NULL.
TupleTableSlot* MakeTuple(const JoinState& state, TupleTableSlot* vectors, TupleTableSlot* other) {
  TupleTableSlot* tuple = ExecClearTuple(ScanSlot(state));
  if (vectors == nullptr || other == nullptr)
    memset(tuple->tts_isnull, true, static_cast<size_t>(tuple->tts_tupleDescriptor->natts) * sizeof(bool));
  if (vectors != nullptr) Place(tuple, vectors, 0);
  if (other != nullptr) Place(tuple, other, state.data.vector_columns);
  return ExecStoreVirtualTuple(tuple);
}

Datum Evaluate(const JoinState& state, ExprState* key, TupleTableSlot* tuple, bool* is_null) {
  ExprContext* context = state.node.ss.ps.ps_ExprContext;
  ResetExprContext(context);
  context->ecxt_scantuple = tuple;
  return ExecEvalExprSwitchContext(key, context, is_null);
}

bool KnowsOther(const JoinState& state) { return state.is_read || state.is_too_large; }

void ForgetOther(JoinState& state) {
  state.table = nullptr;
  state.is_read = state.is_too_large = false;
  state.rows_read = 0;
  MemoryContextReset(state.table_context);
}

// Reads the other side until `most` rows of it are there, or all, or they do not fit in memory.
void ReadOther(JoinState& state, double most) {
  const size_t most_bytes = std::min<size_t>(get_hash_memory_limit(), MaxAllocSize / 4);
  // Of a semi-join without other conditions one row of a key will do.
  const bool all = !state.data.is_semi || state.node.ss.ps.qual != nullptr;
  if (state.table == nullptr && !state.is_too_large) {
    MemoryContext outer = MemoryContextSwitchTo(state.table_context);
    state.table = new (palloc(sizeof(KeyTable))) KeyTable(*state.operators, state.table_context);
    MemoryContextSwitchTo(outer);
  }
  while (!KnowsOther(state) && static_cast<double>(state.rows_read) < most) {
    TupleTableSlot* row = ExecProcNode(state.other);
    state.is_read = TupIsNull(row);
    if (state.is_read) break;
    ++state.rows_read;
    bool is_null;
    const Datum key = Evaluate(state, state.right, MakeTuple(state, nullptr, row), &is_null);
    MemoryContext outer = MemoryContextSwitchTo(state.node.ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
    if (!is_null) state.table->Add(key, row, all);
    MemoryContextSwitchTo(outer);
    state.is_too_large = state.lookups != nullptr && state.table->bytes() > most_bytes;
  }
  if (state.table != nullptr) state.keys = state.table->keys();
  if (!state.is_too_large || state.table == nullptr) return;
  ExecShutdownNode(state.other);
  state.table = nullptr;
  MemoryContextReset(state.table_context);
}

// Forgets the present row and what look-ups have found.
void Reset(JoinState& state) {
  state.is_done = false;
  state.row = nullptr;
  state.match = nullptr;
  if (state.lookups != nullptr) state.lookups->Reset();
}

void BeginReduction(JoinState& state) {
  EState* estate = state.node.ss.ps.state;
  ParamExecData* parameter = &estate->es_param_exec_vals[state.data.parameter];
  parameter->execPlan = nullptr;
  parameter->value = state.table->Keys();
  parameter->isnull = false;
  MemoryContext outer = MemoryContextSwitchTo(estate->es_query_cxt);
  state.vectors->chgParam = bms_add_member(state.vectors->chgParam, state.data.parameter);
  MemoryContextSwitchTo(outer);
}

void Begin(JoinState& state) {
  state.is_begun = true;
  if (state.data.wanted > 0 && !KnowsOther(state)) {
    ReadOther(state, state.data.after);
    if (!KnowsOther(state)) {
      state.strategy = kLookups;
      ++state.begun[kLookups];
      state.lookups->Start();
      if (state.lookups->FindWanted()) return;
      Reset(state);
    }
  }
  ReadOther(state, get_float8_infinity());
  if (state.is_read) {
    state.strategy = kReduction;
    state.is_done = state.keys == 0;
    if (!state.is_done) BeginReduction(state);
  } else {
    state.strategy = kUnboundedLookups;
    state.lookups->Start();
  }
  ++state.begun[state.strategy];
}

// The next pair with equal keys; null: there is none. Of a semi-join without other conditions a row with its key is
// one.
TupleTableSlot* NextPair(JoinState& state) {
  for (;;) {
    if (state.match != nullptr) {
      TupleTableSlot* other = ExecStoreMinimalTuple(state.match->tuple, state.other_row, false);
      state.match = state.match->next;
      return MakeTuple(state, state.row, other);
    }
    if (state.is_done) return nullptr;
    state.row = ExecProcNode(state.vectors);
    state.is_done = TupIsNull(state.row);
    if (state.is_done) return nullptr;
    bool is_null;
    const Datum key = Evaluate(state, state.left, MakeTuple(state, state.row, nullptr), &is_null);
    MemoryContext outer = MemoryContextSwitchTo(state.node.ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
    if (!is_null) state.match = state.table->Find(key);
    MemoryContextSwitchTo(outer);
  }
}

TupleTableSlot* Project(const JoinState& state, TupleTableSlot* tuple) {
  const PlanState& plan = state.node.ss.ps;
  plan.ps_ExprContext->ecxt_scantuple = tuple;
  return plan.ps_ProjInfo == nullptr ? tuple : ExecProject(plan.ps_ProjInfo);
}

TupleTableSlot* ExecNode(CustomScanState* node) {
  JoinState& state = State(node);
  ExprContext* context = node->ss.ps.ps_ExprContext;
  ResetExprContext(context);
  if (!state.is_begun) Begin(state);
  if (state.strategy != kReduction) {
    TupleTableSlot* tuple = state.lookups->Next();
    return tuple == nullptr ? ExecClearTuple(ScanSlot(state)) : Project(state, tuple);
  }
  while (TupleTableSlot* tuple = NextPair(state)) {
    CHECK_FOR_INTERRUPTS();
    ResetExprContext(context);
    context->ecxt_scantuple = tuple;
    if (node->ss.ps.qual != nullptr && !ExecQual(node->ss.ps.qual, context)) {
      InstrCountFiltered1(&node->ss.ps, 1);
      continue;
    }
    if (state.data.is_semi) state.match = nullptr;
    return Project(state, tuple);
  }
  return ExecClearTuple(ScanSlot(state));
}

void BeginNode(CustomScanState* node, EState* estate, int flags) {
  JoinState& state = State(node);
  const CustomScan* plan = reinterpret_cast<CustomScan*>(node->ss.ps.plan);
  state.data = ReadPrivate(plan->custom_private);
  flags &= ~(EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK);
  const Children children = ChildrenOf(plan);
  state.other = ExecInitNode(children.other, estate, flags & ~EXEC_FLAG_REWIND);
  state.vectors = ExecInitNode(children.vectors, estate, flags);
  node->custom_ps = list_make2(state.other, state.vectors);
  if (children.lookups != nullptr) {
    PlanState* lookups = ExecInitNode(children.lookups, estate, flags);
    node->custom_ps = lappend(node->custom_ps, lookups);
    Expr* distance = state.data.wanted > 0 ? static_cast<Expr*>(lsecond(plan->custom_exprs)) : nullptr;
    state.lookups =
        new (palloc(sizeof(LookupRows))) LookupRows(node, lookups, state.data, ExecInitExpr(distance, &node->ss.ps));
  }
  state.other_row = ExecInitExtraTupleSlot(estate, ExecGetResultType(state.other), &TTSOpsMinimalTuple);
  const OpExpr* equality = linitial_node(OpExpr, plan->custom_exprs);
  state.operators = new (palloc(sizeof(KeyOperators))) KeyOperators(*equality);
  state.left = ExecInitExpr(static_cast<Expr*>(linitial(equality->args)), &node->ss.ps);
  state.right = ExecInitExpr(static_cast<Expr*>(lsecond(equality->args)), &node->ss.ps);
  state.table_context =
      AllocSetContextCreate(estate->es_query_cxt, "semi-join reduction: keys", ALLOCSET_DEFAULT_SIZES);
}

void RescanNode(CustomScanState* node) {
  JoinState& state = State(node);
  if (node->ss.ps.chgParam != nullptr) {
    ListCell* cell;
    foreach (cell, node->custom_ps) UpdateChangedParamSet(static_cast<PlanState*>(lfirst(cell)), node->ss.ps.chgParam);
  }
  // The other side and its keys stay where nothing changed for them: another query vector, the same patients.
  if (state.other->chgParam != nullptr) ForgetOther(state);
  ExecClearTuple(ScanSlot(state));
  Reset(state);
  state.is_begun = false;
}

void EndNode(CustomScanState* node) {
  ListCell* cell;
  foreach (cell, node->custom_ps) ExecEndNode(static_cast<PlanState*>(lfirst(cell)));
}

void ExplainNode(CustomScanState* node, List* ancestors, ExplainState* es) {
  const JoinState& state = State(node);
  const CustomScan* plan = reinterpret_cast<CustomScan*>(node->ss.ps.plan);
  List* context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, ancestors);
  if (state.data.is_semi || es->format != EXPLAIN_FORMAT_TEXT)
    ExplainPropertyText("Join Type", state.data.is_semi ? "Semi" : "Inner", es);
  ExplainPropertyText("Key", deparse_expression(static_cast<Node*>(linitial(plan->custom_exprs)), context, true, false),
                      es);
  if (!es->analyze) return;
  ExplainStrategies(kStrategyNames, state.begun, es);
  if (state.rows_read == 0 && state.begun[kReduction] == 0) return;
  ExplainPropertyInteger("Rows of Other Side", nullptr, state.rows_read, es);
  ExplainPropertyUInteger("Distinct Keys", nullptr, state.keys, es);
}

constexpr CustomExecMethods exec_methods =
    ExecMethods(kNodeName, BeginNode, ExecNode, EndNode, RescanNode, ExplainNode);

}  // namespace

Node* CreateState(CustomScan*) { return MakeState<JoinState>(&exec_methods); }

}  // namespace medvec::planner::semi_join_reduction
