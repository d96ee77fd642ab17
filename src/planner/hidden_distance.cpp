#include "planner/hidden_distance.hpp"

#include <initializer_list>

#include "index/handler.hpp"
#include "planner/filtered_scan/node.hpp"
#include "planner/semi_join_reduction/node.hpp"

namespace medvec::planner {

namespace {

// Calls visit(Plan*) for each child of `plan` that core's executor runs as part of it, as far as we know them: those of
// others' custom scans are left out, so nothing below one is changed.
template <class Visit>
void ForEachChild(Plan* plan, Visit visit) {
  List* children = NIL;
  switch (nodeTag(plan)) {
    case T_SubqueryScan:
      visit(reinterpret_cast<SubqueryScan*>(plan)->subplan);
      return;
    case T_Append:
      children = reinterpret_cast<Append*>(plan)->appendplans;
      break;
    case T_MergeAppend:
      children = reinterpret_cast<MergeAppend*>(plan)->mergeplans;
      break;
    case T_CustomScan:
      if (semi_join_reduction::IsReduction(plan)) children = reinterpret_cast<CustomScan*>(plan)->custom_plans;
      break;
    default:
      break;
  }
  ListCell* cell;
  foreach (cell, children) visit(static_cast<Plan*>(lfirst(cell)));
  if (plan->lefttree) visit(plan->lefttree);
  if (plan->righttree) visit(plan->righttree);
}

// Adds the operators by which hnsw indexes order their rows in `plan`, by index scans and by our filtered scan.
void CollectOperators(Plan* plan, List** operators) {
  if (IsA(plan, IndexScan)) {
    const IndexScan* scan = reinterpret_cast<IndexScan*>(plan);
    if (likely(scan->indexorderbyorig == NIL) || !index::IsHnswIndex(scan->indexid)) return;
    ListCell* cell;
    foreach (cell, scan->indexorderbyorig) {
      const Node* expr = static_cast<Node*>(lfirst(cell));
      if (IsA(expr, OpExpr))
        *operators = list_append_unique_oid(*operators, reinterpret_cast<const OpExpr*>(expr)->opno);
    }
    return;
  }
  if (const OpExpr* distance = filtered_scan::DistanceOf(plan)) {
    *operators = list_append_unique_oid(*operators, distance->opno);
    return;
  }
  ForEachChild(plan, [operators](Plan* child) { CollectOperators(child, operators); });
}

// Columns of a plan's rows that are read by who gets the rows.
struct Columns {
  bool all = false;
  Bitmapset* members = nullptr;  // as pull_varattnos numbers them

  bool Contains(int column) const { return all || bms_is_member(column - FirstLowInvalidHeapAttributeNumber, members); }
  void Add(int column) { members = bms_add_member(members, column - FirstLowInvalidHeapAttributeNumber); }
  void AddReferences(const void* expressions, int relation) {
    pull_varattnos(static_cast<Node*>(const_cast<void*>(expressions)), relation, &members);
  }
};

constexpr Columns kAllColumns = {.all = true};

// What is read of the topmost plan of a statement or of a subquery: nothing that only sorting or grouping inside it
// was for. Other junk columns are those that row marks look for by name.
Columns VisibleColumns(const Plan* top) {
  Columns visible;
  ListCell* cell;
  foreach (cell, top->targetlist) {
    const TargetEntry* entry = lfirst_node(TargetEntry, cell);
    if (!entry->resjunk || entry->ressortgroupref == 0) visible.Add(entry->resno);
  }
  return visible;
}

bool IsDistance(Expr* expr, const List* operators) {
  return IsA(expr, OpExpr) && list_member_oid(operators, reinterpret_cast<OpExpr*>(expr)->opno) &&
         !contain_volatile_functions(reinterpret_cast<Node*>(expr)) && !contain_subplans(reinterpret_cast<Node*>(expr));
}

// Puts null constants in the place of distances among the columns of `plan`, a node that computes its columns, which
// nobody reads. Lists and entries of a plan may be shared with another node, so changed ones are new.
void HideUnread(Plan* plan, const Columns& read, const List* operators) {
  bool copied = false;
  for (int i = 0; i < list_length(plan->targetlist); ++i) {
    const TargetEntry* entry = list_nth_node(TargetEntry, plan->targetlist, i);
    if (read.Contains(entry->resno) || !IsDistance(entry->expr, operators)) continue;
    const Node* expr = reinterpret_cast<Node*>(entry->expr);
    TargetEntry* hidden = flatCopyTargetEntry(const_cast<TargetEntry*>(entry));
    hidden->expr = reinterpret_cast<Expr*>(makeNullConst(exprType(expr), exprTypmod(expr), exprCollation(expr)));
    if (!copied) plan->targetlist = list_copy(plan->targetlist);
    copied = true;
    lfirst(list_nth_cell(plan->targetlist, i)) = hidden;
  }
}

// What `plan` itself reads of its child `relation` for its columns and filter. A column that is passed on to be read by
// nobody is not read here either, but an expression is: it might not bear a null.
Columns ReadForResult(const Plan* plan, const Columns& read, int relation) {
  Columns child;
  ListCell* cell;
  foreach (cell, plan->targetlist) {
    const TargetEntry* entry = lfirst_node(TargetEntry, cell);
    if (read.Contains(entry->resno) || !IsA(entry->expr, Var)) child.AddReferences(entry->expr, relation);
  }
  child.AddReferences(plan->qual, relation);
  return child;
}

void Hide(Plan* plan, Columns read, const List* operators);

void HideInJoin(Join* join, const Columns& read, const List* operators) {
  Plan* plan = &join->plan;
  HideUnread(plan, read, operators);
  for (const int side : {OUTER_VAR, INNER_VAR}) {
    Columns child = ReadForResult(plan, read, side);
    child.AddReferences(join->joinqual, side);
    if (IsA(plan, NestLoop)) {
      ListCell* cell;
      foreach (cell, reinterpret_cast<NestLoop*>(plan)->nestParams)
        child.AddReferences(lfirst_node(NestLoopParam, cell)->paramval, side);
    } else if (IsA(plan, MergeJoin)) {
      child.AddReferences(reinterpret_cast<MergeJoin*>(plan)->mergeclauses, side);
    } else {
      child.AddReferences(reinterpret_cast<HashJoin*>(plan)->hashclauses, side);
      child.AddReferences(reinterpret_cast<HashJoin*>(plan)->hashkeys, side);
    }
    Hide(side == OUTER_VAR ? plan->lefttree : plan->righttree, child, operators);
  }
}

void HideInSubquery(SubqueryScan* scan, const Columns& read, const List* operators) {
  Plan* plan = &scan->scan.plan;
  HideUnread(plan, read, operators);
  Columns child = ReadForResult(plan, read, scan->scan.scanrelid);
  if (child.Contains(0)) {  // the whole row: the executor makes it of what is visible
    const Columns visible = VisibleColumns(scan->subplan);
    child.members = bms_union(child.members, visible.members);
  }
  Hide(scan->subplan, child, operators);
}

// Descends from a plan whose columns `read` are read. Each node is either known, with all the ways in which it reads
// its children, or reads everything.
void Hide(Plan* plan, Columns read, const List* operators) {
  switch (nodeTag(plan)) {
    case T_IndexScan:
      HideUnread(plan, read, operators);
      return;
    case T_CustomScan:
      if (semi_join_reduction::IsReduction(plan)) {  // all of its children's columns become its tuples
        HideUnread(plan, read, operators);
        break;
      }
      if (filtered_scan::DistanceOf(plan) != nullptr) HideUnread(plan, read, operators);
      return;  // those of others have no children that we know

    case T_Limit: {  // WITH TIES compares
      const Limit* limit = reinterpret_cast<Limit*>(plan);
      read.members = bms_copy(read.members);
      for (int i = 0; i < limit->uniqNumCols; ++i) read.Add(limit->uniqColIdx[i]);
      Hide(plan->lefttree, read, operators);
      return;
    }
    case T_LockRows:  // its columns are row marks, never distances
    case T_Material:
    case T_Memoize:
      Hide(plan->lefttree, read, operators);
      return;
    case T_Hash:
      read.members = bms_copy(read.members);
      read.AddReferences(reinterpret_cast<Hash*>(plan)->hashkeys, OUTER_VAR);
      Hide(plan->lefttree, read, operators);
      return;

    case T_NestLoop:
    case T_MergeJoin:
    case T_HashJoin:
      HideInJoin(reinterpret_cast<Join*>(plan), read, operators);
      return;
    case T_SubqueryScan:
      HideInSubquery(reinterpret_cast<SubqueryScan*>(plan), read, operators);
      return;

    case T_Result:
      if (!plan->lefttree) return;
      [[fallthrough]];
    case T_ProjectSet:
      HideUnread(plan, read, operators);
      Hide(plan->lefttree, ReadForResult(plan, read, OUTER_VAR), operators);
      return;
    case T_Agg: {
      const Agg* agg = reinterpret_cast<Agg*>(plan);
      if (agg->chain != NIL) break;
      Columns child = ReadForResult(plan, kAllColumns, OUTER_VAR);
      for (int i = 0; i < agg->numCols; ++i) child.Add(agg->grpColIdx[i]);
      Hide(plan->lefttree, child, operators);
      return;
    }
    default:
      break;
  }
  ForEachChild(plan, [operators](Plan* child) { Hide(child, kAllColumns, operators); });
}

}  // namespace

void HideDistances(PlannedStmt* stmt) {
  List* operators = NIL;
  ListCell* cell;
  CollectOperators(stmt->planTree, &operators);
  foreach (cell, stmt->subplans) {
    if (lfirst(cell)) CollectOperators(static_cast<Plan*>(lfirst(cell)), &operators);
  }
  if (likely(operators == NIL)) return;

  Hide(stmt->planTree, stmt->commandType == CMD_SELECT ? VisibleColumns(stmt->planTree) : kAllColumns, operators);
  foreach (cell, stmt->subplans) {
    Plan* plan = static_cast<Plan*>(lfirst(cell));
    if (plan) Hide(plan, VisibleColumns(plan), operators);
  }
}

}  // namespace medvec::planner
