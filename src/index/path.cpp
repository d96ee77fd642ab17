#include "index/path.hpp"

#include "index/keys.hpp"

namespace medvec::index {

const RestrictInfo* RangeOf(const struct IndexPath* path) {
  const struct IndexOptInfo* index = path->indexinfo;
  ListCell* cell;
  foreach (cell, path->indexclauses) {
    const IndexClause* clause = lfirst_node(IndexClause, cell);
    if (clause->indexcol != 0) continue;
    const RestrictInfo* condition = linitial_node(RestrictInfo, clause->indexquals);
    if (!IsA(condition->clause, OpExpr)) continue;
    const OpExpr* within = reinterpret_cast<const OpExpr*>(condition->clause);
    if (get_op_opfamily_strategy(within->opno, index->opfamily[0]) != kWithin) continue;
    if (path->indexorderbys == NIL) return condition;
    const Node* value = static_cast<const Node*>(lsecond(within->args));
    const OpExpr* order_by = linitial_node(OpExpr, path->indexorderbys);
    if (IsA(value, RowExpr) && equal(linitial(reinterpret_cast<const RowExpr*>(value)->args), lsecond(order_by->args)))
      return condition;
  }
  return nullptr;
}

bool HasUnseenFilter(const struct IndexPath* path) {
  ListCell* cell;
  foreach (cell, path->indexinfo->indrestrictinfo) {
    RestrictInfo* condition = lfirst_node(RestrictInfo, cell);
    if (!condition->pseudoconstant && !is_redundant_with_indexclauses(condition, path->indexclauses)) return true;
  }
  return false;
}

#ifdef MEDVEC_COMPLETE_PATHS

namespace {

// What a condition says of a boolean: `*value` is what it has to be. Null: it is no such condition.
Node* BooleanOf(Expr* clause, bool* value) {
  *value = true;
  if (IsA(clause, BooleanTest)) {
    const BooleanTest* test = reinterpret_cast<const BooleanTest*>(clause);
    if (test->booltesttype != IS_TRUE && test->booltesttype != IS_FALSE) return nullptr;
    *value = test->booltesttype == IS_TRUE;
    return reinterpret_cast<Node*>(test->arg);
  }
  if (!is_notclause(clause)) return reinterpret_cast<Node*>(clause);
  *value = false;
  return reinterpret_cast<Node*>(get_notclausearg(clause));
}

// The filter column that the operand is, 1, 2, ...; 0: none.
int FilterColumnOf(const struct IndexPath* path, Node* operand) {
  for (int column = 1; column < path->indexinfo->nkeycolumns; ++column)
    if (match_index_to_operand(operand, column, path->indexinfo)) return column;
  return 0;
}

void AddClause(struct IndexPath* path, RestrictInfo* restriction, RestrictInfo* condition, int column) {
  IndexClause* clause = makeNode(IndexClause);
  clause->rinfo = restriction;
  clause->indexquals = list_make1(condition);
  clause->indexcol = static_cast<AttrNumber>(column);
  path->indexclauses = lappend(list_copy(path->indexclauses), clause);
}

void AddArray(struct IndexPath* path, RestrictInfo* restriction) {
  const ScalarArrayOpExpr* array = reinterpret_cast<const ScalarArrayOpExpr*>(restriction->clause);
  Node *operand = static_cast<Node*>(linitial(array->args)), *value = static_cast<Node*>(lsecond(array->args));
  const int column = FilterColumnOf(path, operand);
  if (column == 0 || !array->useOr || !op_in_opfamily(array->opno, path->indexinfo->opfamily[column])) return;
  const Oid collation = path->indexinfo->indexcollations[column];
  if (OidIsValid(collation) && collation != array->inputcollid) return;
  if (contain_var_clause(value) || contain_volatile_functions(value)) return;
  AddClause(path, restriction, restriction, column);
}

void AddBoolean(struct PlannerInfo* root, struct IndexPath* path, RestrictInfo* restriction) {
  bool value;
  Node* operand = BooleanOf(restriction->clause, &value);
  const int column = operand == nullptr ? 0 : FilterColumnOf(path, operand);
  if (column == 0 || path->indexinfo->opcintype[column] != BOOLOID) return;
  Expr* equal = make_opclause(BooleanEqualOperator, BOOLOID, false, reinterpret_cast<Expr*>(operand),
                              reinterpret_cast<Expr*>(makeBoolConst(value, false)), InvalidOid, InvalidOid);
  AddClause(path, restriction, make_simple_restrictinfo(root, equal), column);
}

bool HasClause(const struct IndexPath* path, const RestrictInfo* restriction) {
  ListCell* cell;
  foreach (cell, path->indexclauses)
    if (lfirst_node(IndexClause, cell)->rinfo == restriction) return true;
  return false;
}

}  // namespace

void CompletePath(struct PlannerInfo* root, struct IndexPath* path) {
  struct IndexOptInfo* index = path->indexinfo;
  if (index->nkeycolumns < 2 || (path->indexorderbys == NIL && RangeOf(path) == nullptr)) return;
  ListCell* cell;
  foreach (cell, index->indrestrictinfo) {
    RestrictInfo* restriction = lfirst_node(RestrictInfo, cell);
    if (restriction->pseudoconstant || HasClause(path, restriction) ||
        !restriction_is_securely_promotable(restriction, index->rel))
      continue;
    if (IsA(restriction->clause, ScalarArrayOpExpr))
      AddArray(path, restriction);
    else
      AddBoolean(root, path, restriction);
  }
}

#endif

}  // namespace medvec::index
