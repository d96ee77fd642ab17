#include "planner/semi_join_reduction/path.hpp"

#include <algorithm>
#include <cmath>

#include "index/handler.hpp"
#include "index/options.hpp"
#include "planner/custom_node.hpp"
#include "planner/filtered_scan/path.hpp"
#include "planner/index_planning.hpp"
#include "planner/semi_join_reduction/key.hpp"
#include "planner/semi_join_reduction/lookups.hpp"
#include "planner/semi_join_reduction/node.hpp"

namespace medvec::planner::semi_join_reduction {

namespace {

Plan* MakePlan(PlannerInfo*, RelOptInfo*, CustomPath* path, List* columns, List*, List* children);
constexpr CustomPathMethods path_methods = {kNodeName, MakePlan, nullptr};

// Look-ups with a bound keep their rows: a LIMIT beyond this is taken for none.
constexpr double kMostKeptRows = 1000;

// Whether the query is to be ordered by a distance from a vector of the relation, for which there is an hnsw index.
bool IsOrderedByDistance(const PlannerInfo* root, const RelOptInfo* rel) {
  ListCell *member, *cell;
  foreach (member, linitial_node(PathKey, root->query_pathkeys)->pk_eclass->ec_members) {
    const EquivalenceMember* expression = lfirst_node(EquivalenceMember, member);
    if (!IsA(expression->em_expr, OpExpr) || !bms_equal(expression->em_relids, rel->relids)) continue;
    const Oid distance = reinterpret_cast<const OpExpr*>(expression->em_expr)->opno;
    foreach (cell, rel->indexlist) {
      const IndexOptInfo* index = lfirst_node(IndexOptInfo, cell);
      if (index::IsHnswIndex(*index) && OidIsValid(get_op_opfamily_sortfamily(distance, index->opfamily[0])))
        return true;
    }
  }
  return false;
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

// The relation with one more condition.
RelOptInfo* WithCondition(const RelOptInfo* rel, RestrictInfo* condition) {
  RelOptInfo* copy = CopyWithoutJoins(rel, rel->indexlist);
  copy->baserestrictinfo = lappend(list_copy(rel->baserestrictinfo), condition);
  copy->baserestrict_min_security = Min(rel->baserestrict_min_security, condition->security_level);
  copy->rows = clamp_row_est(rel->rows * condition->norm_selec);
  ListCell* cell;
  foreach (cell, copy->indexlist) {
    IndexOptInfo* index = lfirst_node(IndexOptInfo, cell);
    index->indrestrictinfo = lappend(list_copy(index->indrestrictinfo), condition);
  }
  return copy;
}

// The cheapest path by which the rows with these keys come in the query's order.
Path* ReducedPath(PlannerInfo* root, const RelOptInfo* vectors, RestrictInfo* condition) {
  RelOptInfo* reduced = WithCondition(vectors, condition);
  create_index_paths(root, reduced);
  filtered_scan::AddPath(root, reduced, root->simple_rte_array[vectors->relid]);
  Path* best = nullptr;
  ListCell* cell;
  foreach (cell, reduced->pathlist) {
    Path* path = static_cast<Path*>(lfirst(cell));
    if (!IsOrdered(root, path) || !IsAskedByIndex(path, condition)) continue;
    if (best == nullptr || path->startup_cost < best->startup_cost) best = path;
  }
  return best;
}

// The rows that the query wants of this join at most, where that is known; else 0.
double WantedRows(const PlannerInfo* root, const RelOptInfo* joined) {
  if (root->limit_tuples <= 0 || root->limit_tuples > kMostKeptRows ||
      !bms_is_subset(root->all_baserels, joined->relids))
    return 0;
  return root->parse->limitOption == LIMIT_OPTION_COUNT ? root->limit_tuples : 0;
}

// Whether the columns that an expression needs are among those of the join.
bool HasColumnsOf(const RelOptInfo* joined, OpExpr* expression) {
  const List* columns = pull_var_clause(reinterpret_cast<Node*>(expression), PVC_INCLUDE_PLACEHOLDERS);
  return list_difference(columns, joined->reltarget->exprs) == NIL;
}

// Whether all columns of the join are columns of its sides: those of look-ups are found among them.
bool HasColumnsOfSides(const RelOptInfo* joined, const RelOptInfo* vectors, const RelOptInfo* other) {
  ListCell* cell;
  foreach (cell, joined->reltarget->exprs)
    if (!list_member(vectors->reltarget->exprs, lfirst(cell)) && !list_member(other->reltarget->exprs, lfirst(cell)))
      return false;
  return true;
}

// A reduction that a join may use. It competes anew whenever core has found more paths of the join, as among them may
// be better look-ups.
struct Candidate {
  const void* tag;
  const RelOptInfo* vector_side;
  bool is_semi, has_lookups;
  Key key;
  List* conditions;  // the others
  Path *other, *vectors;
  Cost startup, total;  // of the reduction
  Cost lookups;         // of the best so far
};

// Core has this field of a join of local tables for nobody.
Candidate* Remembered(const RelOptInfo* joined) {
  Candidate* candidate = static_cast<Candidate*>(joined->fdw_private);
  return candidate != nullptr && candidate->tag == &path_methods ? candidate : nullptr;
}

// The other side is read and its keys are sorted before the first row comes.
void SetCost(PlannerInfo* root, Candidate* candidate, double joined_rows) {
  QualCost quals;
  cost_qual_eval(&quals, candidate->conditions, root);
  const Path *other = candidate->other, *vectors = candidate->vectors;
  const double rows = std::max(1.0, other->rows);
  candidate->startup = other->total_cost + rows * (cpu_operator_cost * (1 + std::log2(rows)) + cpu_tuple_cost) +
                       vectors->startup_cost + quals.startup;
  candidate->total = candidate->startup + vectors->total_cost - vectors->startup_cost +
                     vectors->rows * cpu_operator_cost + joined_rows * (cpu_tuple_cost + quals.per_tuple);
}

// How look-ups with a bound are tried, where a LIMIT is known.
struct Trial {
  LookupBound bound;
  double after;  // so many rows of the other side have been read
};

// They go first where they are expected to be cheaper than the reduction. They end when they have looked at as many
// vectors as nearly always suffice, were the estimate right and the rows that qualify anywhere, or at the price of the
// reduction. Else they are tried when so many rows of the other side have been read that the estimate is wrong and they
// would suffice at that price. Were the estimate right, one standard deviation more than the mean would be looked at.
Trial TrialOfLookups(const Candidate& candidate, const CustomPath* path, const NestPath* lookups, double wanted) {
  if (wanted == 0) return {};
  const RelOptInfo* vectors = candidate.vector_side;
  const Cost reduction = CostOf(&path->path, wanted), startup = lookups->jpath.path.startup_cost;
  const double affordable = std::min(std::floor((reduction - startup) / CostOfRow(lookups, vectors)), 1e9);
  if (!(affordable > wanted)) return {};
  const double each = std::max(1.0, vectors->rows / std::max(1.0, path->path.rows));
  const double enough = std::ceil((wanted + 3 * std::sqrt(wanted) + 3) * each);  // three standard deviations more
  const double likely = wanted + std::sqrt(wanted);
  const auto bound = [&](double most, double expected) {
    return LookupBound{most, std::min(most, likely * expected), std::min(most / likely, expected)};
  };
  if (CostOf(&lookups->jpath.path, wanted) <= reduction) return {bound(std::min(affordable, enough), each), 0};
  constexpr double kWrong = 4;
  const double wrong = std::max(kWrong, enough / affordable);
  return {bound(affordable, each / wrong), std::ceil(candidate.other->rows * wrong)};
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
  scan->custom_exprs = list_make2(lsecond(path->custom_private), lfourth(path->custom_private));
  scan->custom_private = MakePrivate(data);
  scan->methods = &scan_methods;
  return &scan->scan.plan;
}

// Whether the rows of the other side, by estimate, fit in the memory of a hash table.
bool FitsInMemory(const Path* other) {
  constexpr double kRowBytes = 100;  // of headers and hash entries
  return other->rows * (other->pathtarget->width + kRowBytes) < static_cast<double>(get_hash_memory_limit());
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

// Null: the pair is none for it.
Candidate* MakeCandidate(PlannerInfo* root, RelOptInfo* joined, RelOptInfo* outer, RelOptInfo* inner, JoinType type,
                         List* restrictions) {
  if (outer->reloptkind != RELOPT_BASEREL || (type != JOIN_INNER && type != JOIN_SEMI) ||
      !IsOrderedByDistance(root, outer) || !index::settings::enable_semi_join_reduction)
    return nullptr;
  // Rows that are locked may change while the node runs, and be asked its conditions anew.
  if (root->rowMarks != NIL || root->parse->commandType != CMD_SELECT) return nullptr;
  Path* other = inner->cheapest_total_path;
  if (other->param_info != nullptr || !bms_is_empty(joined->lateral_relids) || !bms_is_empty(outer->lateral_relids) ||
      joined->fdw_private != nullptr || !IsPlain(root, outer) || IS_DUMMY_REL(outer) || IS_DUMMY_REL(inner) ||
      !HaveOneSecurityLevel(restrictions))
    return nullptr;
  Candidate* candidate = static_cast<Candidate*>(palloc0(sizeof(Candidate)));
  candidate->vectors = FindKey(root, outer, inner, restrictions, &candidate->key);
  if (candidate->vectors == nullptr) return nullptr;
  candidate->tag = &path_methods;
  candidate->vector_side = outer;
  candidate->is_semi = type == JOIN_SEMI;
  candidate->has_lookups = HasColumnsOfSides(joined, outer, inner);
  candidate->conditions = list_delete_ptr(list_copy(restrictions), candidate->key.restriction);
  candidate->other = other;
  candidate->lookups = get_float8_infinity();
  SetCost(root, candidate, joined->rows);
  return candidate;
}

void Offer(PlannerInfo* root, RelOptInfo* joined, Candidate* candidate, bool is_first) {
  const double wanted = WantedRows(root, joined);
  const NestPath* lookups = candidate->has_lookups ? LookupPath(root, joined, candidate->vector_side, wanted) : nullptr;
  const Cost cost = lookups == nullptr ? get_float8_infinity() : CostOf(&lookups->jpath.path, wanted);
  if (!is_first && cost >= candidate->lookups) return;
  if (lookups == nullptr && !FitsInMemory(candidate->other)) return;
  candidate->lookups = cost;

  CustomPath* path = MakeOrderedPath(root, joined, &path_methods);
  path->path.startup_cost = candidate->startup;
  path->path.total_cost = candidate->total;
  AddDisabledNodes(&path->path, candidate->other);
  AddDisabledNodes(&path->path, candidate->vectors);
  path->custom_paths = list_make2(candidate->other, candidate->vectors);
  PlanData data = {.is_semi = candidate->is_semi,
                   .parameter = candidate->key.keys->paramid,
                   .vector_columns = 0,
                   .wanted = 0,
                   .most = 0,
                   .after = 0,
                   .lookup_columns = NIL};
  OpExpr* distance = nullptr;
  if (lookups != nullptr) {
    distance = DistanceOf(lookups, candidate->vector_side);
    const bool is_measured = distance != nullptr && HasColumnsOf(joined, distance);
    const Trial trial = is_measured ? TrialOfLookups(*candidate, path, lookups, wanted) : Trial{};
    path->custom_paths = lappend(path->custom_paths, CopyWithBound(root, lookups, candidate->vector_side, trial.bound));
    const bool is_bounded = trial.bound.most > 0;
    if (is_bounded) data.wanted = wanted, data.most = trial.bound.most, data.after = trial.after;
    if (!is_bounded) distance = nullptr;
    if (is_bounded && trial.after == 0) {
      // That the rows they look for may lie far is no part of the price that core sets on look-ups.
      constexpr double kWithoutRisk = 0.97;
      path->path.startup_cost = kWithoutRisk * cost;
      path->path.total_cost = path->path.startup_cost + wanted * cpu_tuple_cost;
    }
  }
  path->custom_private = list_make4(MakePrivate(data), candidate->key.equality, candidate->conditions, distance);
  add_path(joined, &path->path);
}

}  // namespace

void AddPath(PlannerInfo* root, RelOptInfo* joined, RelOptInfo* outer, RelOptInfo* inner, JoinType type,
             JoinPathExtraData* extra) {
  if (likely(list_length(root->query_pathkeys) != 1)) return;
  Candidate* candidate = Remembered(joined);
  const bool is_first = candidate == nullptr;
  if (is_first) {
    candidate = MakeCandidate(root, joined, outer, inner, type, extra->restrictlist);
    if (candidate == nullptr) return;
    joined->fdw_private = candidate;
  }
  Offer(root, joined, candidate, is_first);
}

}  // namespace medvec::planner::semi_join_reduction
