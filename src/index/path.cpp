#include "index/path.hpp"

#include <utility>

namespace medvec::index {

#ifdef MEDVEC_COMPLETE_PATHS

namespace {

// `expression` as `column <operator> value`, if it orders by the index's first column as `key` wants it; else null.
Expr* MatchOrder(struct IndexOptInfo* index, const PathKey* key, Expr* expression) {
  if (!is_opclause(expression) || list_length(reinterpret_cast<OpExpr*>(expression)->args) != 2) return nullptr;
  OpExpr* operation = reinterpret_cast<OpExpr*>(expression);
  Node *left = get_leftop(expression), *right = get_rightop(expression);
  const bool commuted = !match_index_to_operand(left, 0, index);
  if (commuted) std::swap(left, right);
  if (!match_index_to_operand(left, 0, index) || contain_var_clause(right) || contain_volatile_functions(right))
    return nullptr;
  const Oid wanted = commuted ? get_commutator(operation->opno) : operation->opno;
  if (!OidIsValid(wanted) || get_op_opfamily_sortfamily(wanted, index->opfamily[0]) != key->pk_opfamily) return nullptr;
  if (!commuted) return expression;
  OpExpr* copy = makeNode(OpExpr);
  *copy = *operation;
  copy->args = list_copy(operation->args);
  CommuteOpExpr(copy);
  return reinterpret_cast<Expr*>(copy);
}

// The one path key by which the query orders, if the index does.
void AddOrder(struct PlannerInfo* root, struct IndexPath* path) {
  if (list_length(root->query_pathkeys) != 1) return;
  struct IndexOptInfo* index = path->indexinfo;
  const PathKey* key = linitial_node(PathKey, root->query_pathkeys);
  if (key->pk_strategy != BTLessStrategyNumber || key->pk_nulls_first || key->pk_eclass->ec_has_volatile) return;
  ListCell* cell;
  foreach (cell, key->pk_eclass->ec_members) {
    const EquivalenceMember* member = lfirst_node(EquivalenceMember, cell);
    if (!bms_equal(member->em_relids, index->rel->relids)) continue;
    Expr* order = MatchOrder(index, key, member->em_expr);
    if (order == nullptr) continue;
    path->indexorderbys = list_make1(order);
    path->indexorderbycols = list_make1_int(0);
    path->path.pathkeys = root->query_pathkeys;
    return;
  }
}

bool HasArrayCondition(const struct IndexPath* path) {
  ListCell* cell;
  foreach (cell, path->indexclauses)
    if (IsA(lfirst_node(IndexClause, cell)->rinfo->clause, ScalarArrayOpExpr)) return true;
  return false;
}

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

void AddBoolean(struct PlannerInfo* root, struct IndexPath* path, RestrictInfo* restriction) {
  struct IndexOptInfo* index = path->indexinfo;
  bool value;
  Node* operand = BooleanOf(restriction->clause, &value);
  if (operand == nullptr || restriction->pseudoconstant || !restriction_is_securely_promotable(restriction, index->rel))
    return;
  for (int column = 1; column < index->nkeycolumns; ++column) {
    if (index->opcintype[column] != BOOLOID || !match_index_to_operand(operand, column, index)) continue;
    Expr* equal =
        make_opclause(BooleanEqualOperator, BOOLOID, false, reinterpret_cast<Expr*>(operand),
                      reinterpret_cast<Expr*>(makeBoolConst(value, false)), InvalidOid, InvalidOid);
    IndexClause* clause = makeNode(IndexClause);
    clause->rinfo = restriction;
    clause->indexquals = list_make1(make_simple_restrictinfo(root, equal));
    clause->indexcol = static_cast<AttrNumber>(column);
    path->indexclauses = lappend(list_copy(path->indexclauses), clause);
    return;
  }
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
  if (index->nkeycolumns < 2) return;
  if (path->indexorderbys == NIL && HasArrayCondition(path)) AddOrder(root, path);
  if (path->indexorderbys == NIL) return;
  ListCell* cell;
  foreach (cell, index->indrestrictinfo) {
    RestrictInfo* restriction = lfirst_node(RestrictInfo, cell);
    if (!HasClause(path, restriction)) AddBoolean(root, path, restriction);
  }
}

#endif

}  // namespace medvec::index
