#include "planner/semi_join_reduction/path.hpp"

#include <algorithm>
#include <cmath>

#include "index/handler.hpp"
#include "index/options.hpp"
#include "planner/semi_join_reduction/key.hpp"
#include "planner/semi_join_reduction/node.hpp"

namespace medvec::planner::semi_join_reduction {

namespace {

// Look-ups that go first keep their rows: a LIMIT beyond this is taken for none.
constexpr double kMostKeptRows = 10000;

bool HasHnswIndex(const RelOptInfo* rel) {
  ListCell* cell;
  foreach (cell, rel->indexlist)
    if (index::IsHnswIndex(*lfirst_node(IndexOptInfo, cell))) return true;
  return false;
}

bool IsOrdered(const PlannerInfo* root, const Path* path) {
  return path->param_info == nullptr && pathkeys_contained_in(root->query_pathkeys, path->pathkeys);
}

// Whether an index asks `condition` of its rows.
bool IsAskedByIndex(const Path* path, const RestrictInfo* condition) {
  const List* children = NIL;
  ListCell* cell;
  switch (nodeTag(path)) {
    case T_IndexPath:
      foreach (cell, reinterpret_cast<const IndexPath*>(path)->indexclauses)
        if (lfirst_node(IndexClause, cell)->rinfo == condition) return true;
      return false;
    case T_BitmapHeapPath:
      return IsAskedByIndex(reinterpret_cast<const BitmapHeapPath*>(path)->bitmapqual, condition);
    case T_BitmapAndPath:
      children = reinterpret_cast<const BitmapAndPath*>(path)->bitmapquals;
      break;
    case T_CustomPath:
      children = reinterpret_cast<const CustomPath*>(path)->custom_paths;
      break;
    default:
      return false;
  }
  foreach (cell, children)
    if (IsAskedByIndex(static_cast<Path*>(lfirst(cell)), condition)) return true;
  return false;
}

// The relation with one more condition, as core's index planning is to see it: without paths and joins.
RelOptInfo* WithCondition(const RelOptInfo* rel, RestrictInfo* condition) {
  RelOptInfo* copy = makeNode(RelOptInfo);
  *copy = *rel;
  copy->indexlist = copy->pathlist = copy->partial_pathlist = copy->ppilist = copy->joininfo = NIL;
  copy->cheapest_startup_path = copy->cheapest_total_path = nullptr;
  copy->consider_parallel = copy->has_eclass_joins = false;
  copy->baserestrictinfo = lappend(list_copy(rel->baserestrictinfo), condition);
  copy->baserestrict_min_security = Min(rel->baserestrict_min_security, condition->security_level);
  copy->rows = clamp_row_est(rel->rows * condition->norm_selec);
  ListCell* cell;
  foreach (cell, rel->indexlist) {
    IndexOptInfo* index = makeNode(IndexOptInfo);
    *index = *lfirst_node(IndexOptInfo, cell);
    index->rel = copy;
    index->indrestrictinfo = lappend(list_copy(index->indrestrictinfo), condition);
    copy->indexlist = lappend(copy->indexlist, index);
  }
  return copy;
}

// The cheapest path by which the rows with these keys come in the query's order.
Path* ReducedPath(PlannerInfo* root, const RelOptInfo* vectors, RestrictInfo* condition) {
  RelOptInfo* reduced = WithCondition(vectors, condition);
  create_index_paths(root, reduced);
  Path* best = nullptr;
  ListCell* cell;
  foreach (cell, reduced->pathlist) {
    Path* path = static_cast<Path*>(lfirst(cell));
    if (!IsOrdered(root, path) || !IsAskedByIndex(path, condition)) continue;
    if (best == nullptr || path->startup_cost < best->startup_cost) best = path;
  }
  return best;
}

Cost CostOf(const Path* path, double rows) {
  return path->startup_cost +
         (path->total_cost - path->startup_cost) * std::min(1.0, rows / std::max(1.0, path->rows));
}

// The nested loop that walks the vectors in order and looks the other side up for each. A copy: core lets go of paths
// that turn out dear.
NestPath* LookupPath(const PlannerInfo* root, const RelOptInfo* joined, const RelOptInfo* vectors, double rows) {
  const NestPath* best = nullptr;
  ListCell* cell;
  foreach (cell, joined->pathlist) {
    const Path* path = static_cast<Path*>(lfirst(cell));
    if (!IsA(path, NestPath) || !IsOrdered(root, path)) continue;
    const NestPath* loop = reinterpret_cast<const NestPath*>(path);
    if (loop->jpath.outerjoinpath->parent != vectors) continue;
    if (best == nullptr || CostOf(path, rows) < CostOf(&best->jpath.path, rows)) best = loop;
  }
  if (best == nullptr) return nullptr;
  NestPath* copy = makeNode(NestPath);
  *copy = *best;
  return copy;
}

// The rows that the query wants of this join at most, where that is known; else 0.
double WantedRows(const PlannerInfo* root, const RelOptInfo* joined) {
  if (root->limit_tuples <= 0 || root->limit_tuples > kMostKeptRows || !bms_is_subset(root->all_baserels, joined->relids))
    return 0;
  return root->parse->limitOption == LIMIT_OPTION_COUNT ? root->limit_tuples : 0;
}

// Whether all columns of the join are columns of its sides: those of look-ups are found among them.
bool HasColumnsOfSides(const RelOptInfo* joined, const RelOptInfo* vectors, const RelOptInfo* other) {
  ListCell* cell;
  foreach (cell, joined->reltarget->exprs)
    if (!list_member(vectors->reltarget->exprs, lfirst(cell)) && !list_member(other->reltarget->exprs, lfirst(cell)))
      return false;
  return true;
}

// Of the reduction: the other side is read and its keys are sorted before the first row comes.
void SetReductionCost(Path* path, const Path* other, const Path* vectors, const List* conditions, PlannerInfo* root) {
  QualCost quals;
  cost_qual_eval(&quals, const_cast<List*>(conditions), root);
  const double rows = std::max(1.0, other->rows);
  path->startup_cost = other->total_cost + rows * (cpu_operator_cost * (1 + std::log2(rows)) + cpu_tuple_cost) +
                       vectors->startup_cost + quals.startup;
  path->total_cost = path->startup_cost + vectors->total_cost - vectors->startup_cost +
                     vectors->rows * cpu_operator_cost + path->rows * (cpu_tuple_cost + quals.per_tuple);
}

// Lets look-ups go first where a LIMIT is known, within a bound. Where they are expected to be cheaper the bound is the
// price of the reduction: if they fail they cost as much again. Else it is an eighth of it: rows that qualify may lie
// near the query. They cost all their bound where less than so many rows lie there.
void LetLookupsGoFirst(PlannerInfo* root, CustomPath* path, NestPath* loop, double wanted) {
  constexpr double kProbe = 1.0 / 8;
  // That their rows may lie far is no part of the price core sets on look-ups.
  constexpr double kWithoutRisk = 0.97;
  const Path* vectors = loop->jpath.outerjoinpath;
  const Cost reduction = CostOf(&path->path, wanted), lookups = CostOf(&loop->jpath.path, wanted);
  const bool are_cheaper = lookups <= reduction;
  const Cost bound = are_cheaper ? reduction : kProbe * reduction;
  const Cost each = (loop->jpath.path.total_cost - loop->jpath.path.startup_cost) / std::max(1.0, vectors->rows);
  const double rows = std::floor((bound - loop->jpath.path.startup_cost) / each);
  if (!(rows > wanted)) return;
  const int64 count = static_cast<int64>(std::min(rows, 1e9));
  Node* most = reinterpret_cast<Node*>(
      makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(count), false, true));
  loop->jpath.outerjoinpath =
      reinterpret_cast<Path*>(create_limit_path(root, vectors->parent, const_cast<Path*>(vectors), nullptr, most,
                                                LIMIT_OPTION_COUNT, 0, count));
  path->path.startup_cost = are_cheaper ? kWithoutRisk * lookups : reduction + bound;
  path->path.total_cost = path->path.startup_cost + wanted * cpu_tuple_cost;
}

List* ScanColumns(const Plan* vectors, const Plan* other) {
  List* columns = NIL;
  for (const Plan* plan : {vectors, other}) {
    ListCell* cell;
    foreach (cell, plan->targetlist)
      columns = lappend(columns, makeTargetEntry(lfirst_node(TargetEntry, cell)->expr,
                                                 static_cast<AttrNumber>(list_length(columns) + 1), nullptr, false));
  }
  return columns;
}

// Core accepts a parameter in a plan below the node that sets it, if it is a node of a kind of which it knows that.
// LockRows is one: it sets the parameter by which rows are rechecked. This one is never run, what is below it is.
Plan* WithParameter(Plan* plan, int parameter) {
  LockRows* scope = makeNode(LockRows);
  scope->plan.lefttree = plan;
  scope->epqParam = parameter;
  return &scope->plan;
}

Plan* MakePlan(PlannerInfo*, RelOptInfo*, CustomPath* path, List* columns, List*, List* children) {
  PlanData data = ReadPrivate(linitial_node(List, path->custom_private));
  Plan *other = static_cast<Plan*>(linitial(children)), *vectors = static_cast<Plan*>(lsecond(children));
  CustomScan* scan = makeNode(CustomScan);
  scan->custom_plans = list_make2(other, WithParameter(vectors, data.parameter));
  scan->custom_scan_tlist = ScanColumns(vectors, other);
  data.vector_columns = list_length(vectors->targetlist);
  if (list_length(children) > 2) {
    Plan* lookups = static_cast<Plan*>(lthird(children));
    scan->custom_plans = lappend(scan->custom_plans, lookups);
    ListCell* cell;
    foreach (cell, lookups->targetlist) {
      const TargetEntry* entry = tlist_member(lfirst_node(TargetEntry, cell)->expr, scan->custom_scan_tlist);
      data.lookup_columns = lappend_int(data.lookup_columns, entry->resno);
    }
  }
  scan->scan.plan.targetlist = columns;
  scan->scan.plan.qual = extract_actual_clauses(lthird_node(List, path->custom_private), false);
  scan->flags = path->flags;
  scan->custom_exprs = list_make1(lsecond(path->custom_private));
  scan->custom_private = MakePrivate(data);
  scan->methods = &scan_methods;
  return &scan->scan.plan;
}

constexpr CustomPathMethods path_methods = {kNodeName, MakePlan, nullptr};

// Whether the rows of the other side, by estimate, fit in the memory of a hash table.
bool FitsInMemory(const RelOptInfo* other) {
  constexpr double kRowBytes = 100;  // of headers and hash entries
  return other->rows * (other->reltarget->width + kRowBytes) < static_cast<double>(get_hash_memory_limit());
}

bool IsPlain(const PlannerInfo* root, const RelOptInfo* rel) {
  const RangeTblEntry* entry = root->simple_rte_array[rel->relid];
  return entry->rtekind == RTE_RELATION && !entry->inh && entry->tablesample == nullptr;
}

// The first condition by which an index can be asked for rows of the other side.
Path* FindKey(PlannerInfo* root, const RelOptInfo* vectors, const RelOptInfo* other, const List* restrictions,
              Key* key) {
  ListCell* cell;
  foreach (cell, restrictions) {
    if (!MakeKey(root, lfirst_node(RestrictInfo, cell), vectors, other, key)) continue;
    if (Path* path = ReducedPath(root, vectors, key->condition)) return path;
  }
  return nullptr;
}

// Conditions are asked in any order: none may guard another.
bool HaveOneSecurityLevel(const List* restrictions) {
  ListCell* cell;
  foreach (cell, restrictions) {
    const RestrictInfo* restriction = lfirst_node(RestrictInfo, cell);
    if (restriction->pseudoconstant ||
        restriction->security_level != linitial_node(RestrictInfo, restrictions)->security_level)
      return false;
  }
  return true;
}

}  // namespace

void AddPath(PlannerInfo* root, RelOptInfo* joined, RelOptInfo* outer, RelOptInfo* inner, JoinType type,
             JoinPathExtraData* extra) {
  if (likely(list_length(root->query_pathkeys) != 1) || outer->reloptkind != RELOPT_BASEREL) return;
  if ((type != JOIN_INNER && type != JOIN_SEMI) || !HasHnswIndex(outer) || !index::settings::enable_semi_join_reduction)
    return;
  // Rows that are locked may change while the node runs, and be asked its conditions anew.
  if (root->rowMarks != NIL || root->parse->commandType != CMD_SELECT) return;
  Path* other = inner->cheapest_total_path;
  if (other->param_info != nullptr || joined->lateral_relids != nullptr || !bms_is_empty(outer->lateral_relids) ||
      !IsPlain(root, outer) || IS_DUMMY_REL(outer) || IS_DUMMY_REL(inner) || !FitsInMemory(inner) ||
      !HaveOneSecurityLevel(extra->restrictlist))
    return;
  Key key;
  Path* vectors = FindKey(root, outer, inner, extra->restrictlist, &key);
  if (vectors == nullptr) return;

  List* conditions = list_delete_ptr(list_copy(extra->restrictlist), key.restriction);
  CustomPath* path = makeNode(CustomPath);
  path->path.pathtype = T_CustomScan;
  path->path.parent = joined;
  path->path.pathtarget = joined->reltarget;
  path->path.rows = joined->rows;
  path->path.pathkeys = root->query_pathkeys;
  path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
  path->methods = &path_methods;
  path->custom_paths = list_make2(other, vectors);
  AddDisabledNodes(&path->path, other);
  AddDisabledNodes(&path->path, vectors);
  SetReductionCost(&path->path, other, vectors, conditions, root);

  const double wanted = WantedRows(root, joined);
  double first = 0;
  NestPath* loop = HasColumnsOfSides(joined, outer, inner) ? LookupPath(root, joined, outer, wanted) : nullptr;
  if (loop != nullptr) {
    const Path* whole = loop->jpath.outerjoinpath;
    if (wanted > 0) LetLookupsGoFirst(root, path, loop, wanted);
    if (loop->jpath.outerjoinpath != whole) first = wanted;
    path->custom_paths = lappend(path->custom_paths, loop);
  }
  const PlanData data = {.is_semi = type == JOIN_SEMI,
                         .parameter = key.keys->paramid,
                         .vector_columns = 0,
                         .wanted = first,
                         .lookup_columns = NIL};
  path->custom_private = list_make3(MakePrivate(data), key.equality, conditions);
  add_path(joined, &path->path);
}

}  // namespace medvec::planner::semi_join_reduction
