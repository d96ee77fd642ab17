// hnsw_recall: how many of the nearest rows the index finds, against exact search.
//
// For rows at random of the table: the k nearest others by a plan that scans this index, and by one that scans the
// table. What counts is the distance, so that rows as far as the k-th are as good as it. Queries run as the table's
// owner, with the caller's settings but for those that choose the plan.
#include "index/diagnostics/target.hpp"
#include "index/index.hpp"
#include "index/options.hpp"
#include "index/scan.hpp"
#include "pg/queries.hpp"
#include "pg/records.hpp"

namespace medvec::index {

namespace {

constexpr int kMostSamples = 100000, kMostNeighbours = 10000;

// What the queries are made of.
struct Text {
  const char* table;
  const char* value;     // the indexed expression
  const char* where;     // rows that are indexed
  const char* distance;  // of $1
};

// The operator that orders by this index, with its schema.
const char* OrderOperator(Relation index) {
  const Oid type = index->rd_opcintype[0];
  const Oid oid = get_opfamily_member(index->rd_opfamily[0], type, type, 1);
  if (!OidIsValid(oid)) elog(ERROR, "operator family %u has no operator 1", index->rd_opfamily[0]);
  const HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for operator %u", oid);
  const FormData_pg_operator& form = *reinterpret_cast<Form_pg_operator>(GETSTRUCT(tuple));
  const char* name =
      psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form.oprnamespace)), NameStr(form.oprname));
  ReleaseSysCache(tuple);
  return name;
}

Text MakeText(const Target& target) {
  Text parts;
  parts.table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(target.heap)),
                                           RelationGetRelationName(target.heap));
  parts.value = psprintf("(%s)", TextDatumGetCString(OidFunctionCall3(F_PG_GET_INDEXDEF_OID_INT4_BOOL,
                                                                      ObjectIdGetDatum(RelationGetRelid(target.index)),
                                                                      Int32GetDatum(1), BoolGetDatum(false))));
  List* predicate = RelationGetIndexPredicate(target.index);
  parts.where = psprintf("%s IS NOT NULL", parts.value);
  if (predicate != NIL) {
    List* names = deparse_context_for(RelationGetRelationName(target.heap), RelationGetRelid(target.heap));
    parts.where = psprintf(
        "(%s) AND %s", deparse_expression(reinterpret_cast<Node*>(make_ands_explicit(predicate)), names, false, false),
        parts.where);
  }
  parts.distance = psprintf("%s %s $1", parts.value, OrderOperator(target.index));
  return parts;
}

SPIPlanPtr Prepare(const char* query, Oid type) {
  Oid types[1] = {type};
  const SPIPlanPtr plan = SPI_prepare_cursor(query, 1, types, CURSOR_OPT_GENERIC_PLAN);
  if (plan == nullptr) elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
  return plan;
}

void Execute(SPIPlanPtr plan, Datum argument, long limit) {
  if (SPI_execute_plan(plan, &argument, nullptr, true, limit) != SPI_OK_SELECT) elog(ERROR, "SPI_execute_plan failed");
}

// The index that the plan scans; InvalidOid: none.
Oid ScannedIndex(const Plan* plan) {
  for (; plan != nullptr; plan = plan->lefttree)
    if (IsA(plan, IndexScan)) return reinterpret_cast<const IndexScan*>(plan)->indexid;
  return InvalidOid;
}

void CheckPlan(const Target& target, SPIPlanPtr plan) {
  CachedPlan* cached = SPI_plan_get_cached_plan(plan);
  const Oid scanned = ScannedIndex(linitial_node(PlannedStmt, cached->stmt_list)->planTree);
  ReleaseCachedPlan(cached, nullptr);
  if (scanned == RelationGetRelid(target.index)) return;
  const char* name = RelationGetRelationName(target.index);
  if (OidIsValid(scanned))
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the planner prefers index \"%s\" to \"%s\"", get_rel_name(scanned), name),
                    errhint("In a transaction, drop that index, call the function, and roll back.")));
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the planner does not use index \"%s\"", name)));
}

// Settings that make the planner take the index, or the table; for the time between construction and Undo.
class PlanSettings {
 public:
  explicit PlanSettings(bool use_index) : level_(NewGUCNestLevel()) {
    for (const char* name : {"enable_seqscan", "enable_sort", "enable_bitmapscan"}) Set(name, !use_index);
    Set("enable_indexscan", use_index);
  }
  void Undo() { AtEOXact_GUC(false, level_); }

 private:
  static void Set(const char* name, bool value) {
    set_config_option(name, value ? "on" : "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
  }
  int level_;
};

// Column 1 of a row that a query returned.
ItemPointer TupleOf(HeapTuple row) {
  bool is_null;
  return reinterpret_cast<ItemPointer>(DatumGetPointer(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null)));
}

// Heap tuples of rows at random, in the caller's context.
ItemPointerData* DrawSamples(const Text& text, int count, int* drawn, MemoryContext context) {
  const char* query =
      psprintf("SELECT ctid FROM ONLY %s WHERE %s ORDER BY pg_catalog.random()", text.table, text.where);
  if (SPI_execute(query, true, count) != SPI_OK_SELECT) elog(ERROR, "SPI_execute failed");
  *drawn = static_cast<int>(SPI_processed);
  ItemPointerData* samples =
      static_cast<ItemPointerData*>(MemoryContextAlloc(context, sizeof(ItemPointerData) * (SPI_processed + 1)));
  for (uint64 i = 0; i < SPI_processed; ++i) samples[i] = *TupleOf(SPI_tuptable->vals[i]);
  SPI_freetuptable(SPI_tuptable);
  return samples;
}

// The distances of the k nearest rows but `self`, in ascending order, from what a query returned (ctid, distance).
int TakeDistances(const ItemPointerData& self, int k, double* distances) {
  int count = 0;
  for (uint64 i = 0; i < SPI_processed && count < k; ++i) {
    const HeapTuple row = SPI_tuptable->vals[i];
    if (ItemPointerEquals(TupleOf(row), const_cast<ItemPointer>(&self))) continue;
    bool is_null;
    const double distance = DatumGetFloat8(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &is_null));
    if (!is_null && !isnan(distance)) distances[count++] = distance;  // NaN: a zero vector under cosine, not indexed
  }
  SPI_freetuptable(SPI_tuptable);
  return count;
}

struct Recall {
  int64 wanted, found;
  int samples;
  double nodes, rows;  // of all index scans
};

// Executes a plan for the k nearest rows with the index, or without.
int FindNearest(const Target& target, SPIPlanPtr plan, bool use_index, Datum value, const ItemPointerData& self, int k,
                double* distances) {
  PlanSettings settings(use_index);
  if (use_index) CheckPlan(target, plan);  // each time: it may have been made anew
  Execute(plan, value, 0);
  settings.Undo();
  return TakeDistances(self, k, distances);
}

Recall Measure(const Target& target, int samples, int k) {
  const Index& index = *OpenIndex(target.index);
  double* exact = static_cast<double*>(palloc(sizeof(double) * static_cast<size_t>(k)));
  double* by_index = static_cast<double*>(palloc(sizeof(double) * static_cast<size_t>(k)));
  const Text text = MakeText(target);
  const MemoryContext context = CurrentMemoryContext;
  SPI_connect();

  const Oid type = TupleDescAttr(RelationGetDescr(target.index), 0)->atttypid;
  const char* nearest = psprintf("SELECT ctid, %s FROM ONLY %s WHERE %s ORDER BY %s LIMIT %d", text.distance,
                                 text.table, text.where, text.distance, k + 1);
  // One plan each, made when it is first needed.
  const SPIPlanPtr index_plan = Prepare(nearest, type), exact_plan = Prepare(nearest, type);
  const SPIPlanPtr value_plan =
      Prepare(psprintf("SELECT %s FROM ONLY %s WHERE ctid = $1", text.value, text.table), TIDOID);
  int drawn;
  ItemPointerData* rows = DrawSamples(text, samples, &drawn, context);

  Recall recall{};
  for (int i = 0; i < drawn; ++i) {
    CHECK_FOR_INTERRUPTS();
    Execute(value_plan, PointerGetDatum(&rows[i]), 1);
    if (SPI_processed == 0) continue;
    SPITupleTable* row = SPI_tuptable;
    bool is_null;
    hnsw::Input input;
    const Datum value = SPI_getbinval(row->vals[0], row->tupdesc, 1, &is_null);
    if (!is_null && LoadVector(index.operators, value, index.meta.dim, &input)) {
      const int found = FindNearest(target, index_plan, true, value, rows[i], k, by_index);
      recall.nodes += static_cast<double>(last_scan.nodes), recall.rows += static_cast<double>(last_scan.rows);
      const int wanted = FindNearest(target, exact_plan, false, value, rows[i], k, exact);
      ++recall.samples;
      recall.wanted += wanted;
      for (int n = 0; n < Min(found, wanted); ++n) recall.found += by_index[n] <= exact[wanted - 1];
    }
    SPI_freetuptable(row);
  }
  SPI_finish();
  return recall;
}

}  // namespace

}  // namespace medvec::index

MEDVEC_FUNCTION(medvec_hnsw_recall) {
  using namespace medvec::index;
  const int samples = PG_GETARG_INT32(1), k = PG_GETARG_INT32(2);
  if (samples < 1 || samples > kMostSamples)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("samples must be between 1 and %d", kMostSamples)));
  if (k < 1 || k > kMostNeighbours)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must be between 1 and %d", kMostNeighbours)));
  TupleDesc row;
  if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE) elog(ERROR, "return type must be a row type");
  const Target target = OpenTarget(PG_GETARG_OID(0), AccessShareLock);
  const Recall recall = Measure(target, samples, k);
  CloseTarget(target);
  const double searches = recall.samples;
  const Datum values[] = {
      Float8GetDatum(recall.wanted == 0 ? 0 : static_cast<double>(recall.found) / static_cast<double>(recall.wanted)),
      Int32GetDatum(recall.samples), Int32GetDatum(settings::ef_search),
      Float8GetDatum(searches == 0 ? 0 : recall.nodes / searches),
      Float8GetDatum(searches == 0 ? 0 : recall.rows / searches)};
  const bool nulls[lengthof(values)] = {recall.wanted == 0, false, false, searches == 0, searches == 0};
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), const_cast<Datum*>(values), const_cast<bool*>(nulls)));
}
