#include "planner/range_search/clause.hpp"

#include <cmath>
#include <utility>

#include "index/keys.hpp"

namespace medvec::planner::range_search {

namespace {

struct Comparison {
  Node *distance, *radius;
  bool inclusive;
};

// `distance < radius` or `<=`, the sides either way round. False: it is none of numbers that may be distances.
bool IsComparison(const OpExpr* expr, Comparison* comparison) {
  bool is_less = false;
  comparison->inclusive = false;
  switch (expr->opfuncid) {
    case F_FLOAT8LE:
    case F_FLOAT84LE:
      comparison->inclusive = true;
      [[fallthrough]];
    case F_FLOAT8LT:
    case F_FLOAT84LT:
      is_less = true;
      break;
    case F_FLOAT8GE:
    case F_FLOAT48GE:
      comparison->inclusive = true;
      [[fallthrough]];
    case F_FLOAT8GT:
    case F_FLOAT48GT:
      break;
    default:
      return false;
  }
  comparison->distance = static_cast<Node*>(is_less ? linitial(expr->args) : lsecond(expr->args));
  comparison->radius = static_cast<Node*>(is_less ? lsecond(expr->args) : linitial(expr->args));
  // NaN is as near as all rows are, those with no distance among them, which the index may not have.
  if (!IsA(comparison->radius, Const)) return true;
  const Const* radius = reinterpret_cast<const Const*>(comparison->radius);
  return radius->constisnull || radius->consttype != FLOAT8OID || !std::isnan(DatumGetFloat8(radius->constvalue));
}

bool IsFixed(PlannerInfo* root, const IndexOptInfo* index, Node* value) {
  return !bms_is_member(static_cast<int>(index->rel->relid), pull_varnos(root, value)) &&
         !contain_volatile_functions(value);
}

// Sets the sides of a distance by which `index` orders its rows. False: it is none.
bool SplitDistance(PlannerInfo* root, IndexOptInfo* index, Node* distance, Node** column, Node** query) {
  if (distance == nullptr || !IsA(distance, OpExpr)) return false;
  const OpExpr* expr = reinterpret_cast<const OpExpr*>(distance);
  if (list_length(expr->args) != 2 || !OidIsValid(get_op_opfamily_sortfamily(expr->opno, index->opfamily[0])))
    return false;
  *column = static_cast<Node*>(linitial(expr->args)), *query = static_cast<Node*>(lsecond(expr->args));
  if (!match_index_to_operand(*column, 0, index)) {
    if (get_commutator(expr->opno) != expr->opno) return false;
    std::swap(*column, *query);
    if (!match_index_to_operand(*column, 0, index)) return false;
  }
  return IsFixed(root, index, *query);
}

// Null: the clause is no such condition.
Expr* DeriveClause(PlannerInfo* root, Expr* clause, IndexOptInfo* index) {
  Comparison comparison;
  Node *column, *query;
  if (!IsA(clause, OpExpr) || !IsComparison(reinterpret_cast<const OpExpr*>(clause), &comparison) ||
      !SplitDistance(root, index, comparison.distance, &column, &query) || !IsFixed(root, index, comparison.radius))
    return nullptr;
  const Oid within = get_opfamily_member(index->opfamily[0], index->opcintype[0], RECORDOID, index::kWithin);
  if (!OidIsValid(within)) return nullptr;

  Expr* radius = reinterpret_cast<Expr*>(comparison.radius);
  if (exprType(comparison.radius) == FLOAT4OID)
    radius = reinterpret_cast<Expr*>(
        makeFuncExpr(F_FLOAT8_FLOAT4, FLOAT8OID, list_make1(radius), InvalidOid, InvalidOid, COERCE_IMPLICIT_CAST));
  RowExpr* row = makeNode(RowExpr);
  row->args = list_make2(query, radius);
  row->colnames = list_make2(makeString(pstrdup("query")), makeString(pstrdup("radius")));
  if (comparison.inclusive) {
    row->args = lappend(row->args, makeBoolConst(true, false));
    row->colnames = lappend(row->colnames, makeString(pstrdup("inclusive")));
  }
  row->row_typeid = RECORDOID;
  row->row_format = COERCE_EXPLICIT_CALL;
  row->location = -1;
  Expr* derived = make_opclause(within, BOOLOID, false, reinterpret_cast<Expr*>(column), reinterpret_cast<Expr*>(row),
                                InvalidOid, InvalidOid);
  set_opfuncid(reinterpret_cast<OpExpr*>(derived));
  return derived;
}

// A condition of the same place in the query, with nothing of what is remembered of the original.
RestrictInfo* WithClause(const RestrictInfo* original, Expr* clause) {
  RestrictInfo* derived = makeNode(RestrictInfo);
  *derived = *original;
  derived->clause = clause;
  derived->orclause = nullptr;
  derived->eval_cost.startup = derived->norm_selec = derived->outer_selec = -1;
  return derived;
}

RestrictInfo* DeriveRange(PlannerInfo* root, RestrictInfo* original, List* indexes) {
  if (original->pseudoconstant) return nullptr;
  ListCell* cell;
  foreach (cell, indexes) {
    Expr* clause = DeriveClause(root, original->clause, lfirst_node(IndexOptInfo, cell));
    if (clause == nullptr) continue;
    RestrictInfo* derived = WithClause(original, clause);
    const OpExpr* within = reinterpret_cast<const OpExpr*>(clause);
    derived->left_relids = pull_varnos(root, static_cast<Node*>(linitial(within->args)));
    derived->right_relids = pull_varnos(root, static_cast<Node*>(lsecond(within->args)));
    return derived;
  }
  return nullptr;
}

Expr* BareClause(Node* node) {
  return IsA(node, RestrictInfo) ? reinterpret_cast<RestrictInfo*>(node)->clause : reinterpret_cast<Expr*>(node);
}

}  // namespace

RestrictInfo* Derive(PlannerInfo* root, RestrictInfo* restriction, List* indexes, List** made, List** originals) {
  RestrictInfo* derived = nullptr;
  if (restriction->orclause == nullptr) {
    derived = DeriveRange(root, restriction, indexes);
  } else {
    // Arms are conditions, or ANDs of them.
    List* arms = NIL;
    bool changed = false;
    const auto replace = [&](Node* node) {
      if (!IsA(node, RestrictInfo)) return node;
      RestrictInfo* arm = Derive(root, reinterpret_cast<RestrictInfo*>(node), indexes, made, originals);
      changed |= arm != nullptr;
      return arm != nullptr ? reinterpret_cast<Node*>(arm) : node;
    };
    ListCell *arm, *part;
    foreach (arm, reinterpret_cast<BoolExpr*>(restriction->orclause)->args) {
      Node* node = static_cast<Node*>(lfirst(arm));
      if (!is_andclause(node)) {
        arms = lappend(arms, replace(node));
        continue;
      }
      List* parts = NIL;
      foreach (part, reinterpret_cast<BoolExpr*>(node)->args)
        parts = lappend(parts, replace(static_cast<Node*>(lfirst(part))));
      arms = lappend(arms, make_andclause(parts));
    }
    if (!changed) return nullptr;
    List* bare = NIL;
    foreach (arm, arms) {
      Node* node = static_cast<Node*>(lfirst(arm));
      List* parts = NIL;
      if (is_andclause(node))
        foreach (part, reinterpret_cast<BoolExpr*>(node)->args)
          parts = lappend(parts, BareClause(static_cast<Node*>(lfirst(part))));
      bare = lappend(bare, parts != NIL ? make_andclause(parts) : BareClause(node));
    }
    derived = WithClause(restriction, make_orclause(bare));
    derived->orclause = make_orclause(arms);
  }
  if (derived == nullptr) return nullptr;
  *made = lappend(*made, derived);
  *originals = lappend(*originals, restriction);
  return derived;
}

}  // namespace medvec::planner::range_search
