#include "planner/semi_join_reduction/key.hpp"

namespace medvec::planner::semi_join_reduction {

namespace {

// The clause with the vectors' side on the left; null: it does not compare the two sides.
OpExpr* Equality(const RestrictInfo* restriction, const RelOptInfo* vectors, const RelOptInfo* other) {
  if (!restriction->can_join || !OidIsValid(restriction->hashjoinoperator) || !IsA(restriction->clause, OpExpr))
    return nullptr;
  OpExpr* clause = reinterpret_cast<OpExpr*>(restriction->clause);
  if (bms_equal(restriction->left_relids, vectors->relids) && bms_is_subset(restriction->right_relids, other->relids))
    return clause;
  if (!bms_equal(restriction->right_relids, vectors->relids) || !bms_is_subset(restriction->left_relids, other->relids))
    return nullptr;
  clause = static_cast<OpExpr*>(copyObjectImpl(clause));
  CommuteOpExpr(clause);
  return clause;
}

// Share of the rows with vectors that have a partner on the other side.
Selectivity ShareOf(PlannerInfo* root, OpExpr* equality, const RelOptInfo* vectors, const RelOptInfo* other) {
  SpecialJoinInfo* semi = makeNode(SpecialJoinInfo);
  semi->jointype = JOIN_SEMI;
  semi->min_lefthand = semi->syn_lefthand = vectors->relids;
  semi->min_righthand = semi->syn_righthand = other->relids;
  // The bare clause: what is known of the restriction may have been worked out for another pair of relations.
  return clause_selectivity(root, reinterpret_cast<Node*>(equality), 0, JOIN_SEMI, semi);
}

}  // namespace

bool MakeKey(PlannerInfo* root, RestrictInfo* restriction, const RelOptInfo* vectors, const RelOptInfo* other,
             Key* key) {
  OpExpr* equality = Equality(restriction, vectors, other);
  if (equality == nullptr) return false;
  Expr *left = static_cast<Expr*>(linitial(equality->args)), *right = static_cast<Expr*>(lsecond(equality->args));
  if (contain_volatile_functions(reinterpret_cast<Node*>(equality))) return false;
  const Oid array_type = get_array_type(getBaseType(exprType(reinterpret_cast<Node*>(right))));
  Oid left_hash, right_hash, right_equality;
  if (!OidIsValid(array_type) || !get_op_hash_functions(equality->opno, &left_hash, &right_hash) ||
      !get_compatible_hash_operators(equality->opno, nullptr, &right_equality))
    return false;

  key->restriction = restriction;
  key->equality = equality;
  key->keys = generate_new_exec_param(root, array_type, -1, exprCollation(reinterpret_cast<Node*>(right)));
  ScalarArrayOpExpr* any = makeNode(ScalarArrayOpExpr);
  any->opno = equality->opno;
  any->opfuncid = get_opcode(equality->opno);
  any->useOr = true;
  any->inputcollid = equality->inputcollid;
  any->args = list_make2(left, key->keys);
  any->location = -1;
  // The executor hashes an array once for all. The keys of a statement's outermost query never change.
  if (root->parent_root == nullptr && left_hash == right_hash) any->hashfuncid = left_hash;

  RestrictInfo* condition = make_simple_restrictinfo(root, reinterpret_cast<Expr*>(any));
  condition->security_level = restriction->security_level;
  condition->leakproof = condition->security_level > 0 && !contain_leaked_vars(reinterpret_cast<Node*>(any));
  condition->norm_selec = condition->outer_selec = ShareOf(root, equality, vectors, other);
  key->condition = condition;
  return true;
}

}  // namespace medvec::planner::semi_join_reduction
