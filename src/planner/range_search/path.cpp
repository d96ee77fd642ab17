#include "planner/range_search/path.hpp"

#include <initializer_list>

#include "index/handler.hpp"
#include "index/options.hpp"
#include "planner/range_search/clause.hpp"

namespace medvec::planner::range_search {

namespace {

// Conditions of a relation with ranges beside what they stand for.
struct Ranges {
  List *made = NIL, *originals = NIL;

  // Of a condition made; null: it is none.
  RestrictInfo* OriginalOf(const RestrictInfo* restriction) const {
    for (int i = 0; i < list_length(made); ++i)
      if (list_nth(made, i) == restriction) return list_nth_node(RestrictInfo, originals, i);
    return nullptr;
  }
  // Whether the index evaluates one of them.
  bool AreOf(const IndexOptInfo& index) const {
    ListCell* cell;
    foreach (cell, made) {
      const Expr* clause = lfirst_node(RestrictInfo, cell)->clause;
      if (IsA(clause, OpExpr) &&
          op_in_opfamily(reinterpret_cast<const OpExpr*>(clause)->opno, index.opfamily[0]))
        return true;
    }
    return false;
  }
  // What was made of a condition, or itself.
  RestrictInfo* InPlaceOf(RestrictInfo* restriction) const {
    for (int i = 0; i < list_length(made); ++i)
      if (list_nth(originals, i) == restriction) return list_nth_node(RestrictInfo, made, i);
    return restriction;
  }
};

// The restrictions, with ranges in the place of those that can be ranges.
List* WithRanges(PlannerInfo* root, List* restrictions, List* indexes, Ranges* ranges) {
  List* all = NIL;
  ListCell* cell;
  foreach (cell, restrictions) {
    RestrictInfo* original = lfirst_node(RestrictInfo, cell);
    RestrictInfo* made = Derive(root, original, indexes, &ranges->made, &ranges->originals);
    all = lappend(all, made != nullptr ? made : original);
  }
  return all;
}

// The relation as core's index planning is to see it: with ranges, without paths.
RelOptInfo* Copy(PlannerInfo* root, const RelOptInfo* rel, List* indexes, Ranges* ranges) {
  RelOptInfo* copy = makeNode(RelOptInfo);
  *copy = *rel;
  copy->indexlist = copy->pathlist = copy->partial_pathlist = copy->ppilist = NIL;
  copy->cheapest_startup_path = copy->cheapest_total_path = nullptr;
  copy->baserestrictinfo = WithRanges(root, rel->baserestrictinfo, indexes, ranges);
  copy->joininfo = WithRanges(root, rel->joininfo, indexes, ranges);
  ListCell *cell, *restriction;
  foreach (cell, rel->indexlist) {
    IndexOptInfo* index = makeNode(IndexOptInfo);
    *index = *lfirst_node(IndexOptInfo, cell);
    index->amhasgetbitmap |= ranges->AreOf(*index);
    index->rel = copy;
    copy->indexlist = lappend(copy->indexlist, index);
    // Without what a partial index's predicate says.
    List* restrictions = NIL;
    foreach (restriction, index->indrestrictinfo)
      restrictions = lappend(restrictions, ranges->InPlaceOf(lfirst_node(RestrictInfo, restriction)));
    index->indrestrictinfo = restrictions;
  }
  return copy;
}

// Core takes a third of all rows to be within a range.
void EstimateRows(PlannerInfo* root, RelOptInfo* rel, RelOptInfo* copy, const Ranges& ranges) {
  for (int i = 0; i < list_length(ranges.made); ++i) {
    RestrictInfo* original = list_nth_node(RestrictInfo, ranges.originals, i);
    original->norm_selec = original->outer_selec =
        clause_selectivity(root, static_cast<Node*>(list_nth(ranges.made, i)), 0, JOIN_INNER, nullptr);
  }
  const double before = rel->rows;
  rel->rows = copy->rows =
      clamp_row_est(rel->tuples * clauselist_selectivity(root, copy->baserestrictinfo, 0, JOIN_INNER, nullptr));
  ListCell* cell;
  for (List* paths : {rel->pathlist, rel->partial_pathlist})
    foreach (cell, paths) {
      Path* path = static_cast<Path*>(lfirst(cell));
      path->rows = clamp_row_est(path->rows * rel->rows / before);
    }
}

// Gives a path of the copy to the relation: its conditions are the original ones, of which the ranges are but the form
// in which the index is asked. Returns whether there is a range among them.
bool Restore(PlannerInfo* root, RelOptInfo* rel, Path* path, const Ranges& ranges) {
  path->parent = rel;
  if (path->param_info != nullptr) {
    const Cardinality rows = path->param_info->ppi_rows;
    path->param_info = get_baserel_parampathinfo(root, rel, path->param_info->ppi_req_outer);
    path->param_info->ppi_rows = rows;
  }
  bool has_range = false;
  ListCell* cell;
  switch (nodeTag(path)) {
    case T_BitmapHeapPath:
      return Restore(root, rel, reinterpret_cast<BitmapHeapPath*>(path)->bitmapqual, ranges);
    case T_BitmapAndPath:
      foreach (cell, reinterpret_cast<BitmapAndPath*>(path)->bitmapquals)
        has_range |= Restore(root, rel, static_cast<Path*>(lfirst(cell)), ranges);
      return has_range;
    case T_BitmapOrPath:
      foreach (cell, reinterpret_cast<BitmapOrPath*>(path)->bitmapquals)
        has_range |= Restore(root, rel, static_cast<Path*>(lfirst(cell)), ranges);
      return has_range;
    default:
      break;
  }
  IndexPath* scan = reinterpret_cast<IndexPath*>(path);
  foreach (cell, rel->indexlist)
    if (lfirst_node(IndexOptInfo, cell)->indexoid == scan->indexinfo->indexoid)
      scan->indexinfo = lfirst_node(IndexOptInfo, cell);
  foreach (cell, scan->indexclauses) {
    IndexClause* clause = lfirst_node(IndexClause, cell);
    RestrictInfo* original = ranges.OriginalOf(linitial_node(RestrictInfo, clause->indexquals));
    if (original == nullptr) continue;
    has_range = true;
    clause->rinfo = original;
  }
  return has_range;
}

}  // namespace

void ForbidBitmaps(RelOptInfo* rel) {
  ListCell* cell;
  foreach (cell, rel->indexlist) {
    IndexOptInfo* index = lfirst_node(IndexOptInfo, cell);
    if (index::IsHnswIndex(*index)) index->amhasgetbitmap = false;
  }
}

// Core makes the paths, of a copy of the relation that has `v <<-> ROW(q, r)` in the place of each `v <-> q < r`.
void AddPaths(PlannerInfo* root, RelOptInfo* rel, const RangeTblEntry* entry) {
  if (rel->indexlist == NIL || (rel->baserestrictinfo == NIL && rel->joininfo == NIL)) return;
  List* indexes = NIL;
  ListCell* cell;
  foreach (cell, rel->indexlist)
    if (index::IsHnswIndex(*lfirst_node(IndexOptInfo, cell))) indexes = lappend(indexes, lfirst(cell));
  if (likely(indexes == NIL) || !index::settings::enable_range_scan) return;
  if (entry->rtekind != RTE_RELATION || entry->inh || IS_DUMMY_REL(rel)) return;
  // Answers may lack a few rows, which is nothing to change a table by.
  if (bms_is_member(static_cast<int>(rel->relid), root->all_result_relids)) return;

  Ranges ranges;
  RelOptInfo* copy = Copy(root, rel, indexes, &ranges);
  if (ranges.made == NIL) return;
  EstimateRows(root, rel, copy, ranges);
  create_index_paths(root, copy);
  foreach (cell, copy->pathlist) {
    Path* path = static_cast<Path*>(lfirst(cell));
    if (Restore(root, rel, path, ranges)) add_path(rel, path);
  }
}

}  // namespace medvec::planner::range_search
