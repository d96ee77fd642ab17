#include "planner/range_search/path.hpp"

#include <initializer_list>

#include "index/handler.hpp"
#include "index/options.hpp"
#include "planner/index_planning.hpp"
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
      if (IsA(clause, OpExpr) && op_in_opfamily(reinterpret_cast<const OpExpr*>(clause)->opno, index.opfamily[0]))
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

// The relation with ranges.
RelOptInfo* Copy(const RelOptInfo* rel, List* base_restrictions, List* join_restrictions, const Ranges& ranges) {
  RelOptInfo* copy = CopyForIndexPlanning(rel, rel->indexlist);
  copy->baserestrictinfo = base_restrictions;
  copy->joininfo = join_restrictions;
  ListCell *cell, *restriction;
  foreach (cell, copy->indexlist) {
    IndexOptInfo* index = lfirst_node(IndexOptInfo, cell);
    index->amhasgetbitmap |= ranges.AreOf(*index);
    // Without what a partial index's predicate says.
    List* restrictions = NIL;
    foreach (restriction, index->indrestrictinfo)
      restrictions = lappend(restrictions, ranges.InPlaceOf(lfirst_node(RestrictInfo, restriction)));
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

template <class T>
T* CopyOf(const Path* path) {
  T* copy = static_cast<T*>(palloc(sizeof(T)));
  *copy = *reinterpret_cast<const T*>(path);
  return copy;
}

IndexOptInfo* OriginalIndex(const RelOptInfo* rel, const IndexOptInfo* index) {
  ListCell* cell;
  foreach (cell, rel->indexlist)
    if (lfirst_node(IndexOptInfo, cell)->indexoid == index->indexoid) return lfirst_node(IndexOptInfo, cell);
  pg_unreachable();
}

// What an index scan evaluates stands for the original condition, which is then no filter above it: rows that the index
// is not certain of are rechecked.
Path* Scan(const RelOptInfo* rel, const Path* path, const Ranges& ranges, bool* has_range) {
  IndexPath* scan = CopyOf<IndexPath>(path);
  scan->indexinfo = OriginalIndex(rel, scan->indexinfo);
  List* clauses = NIL;
  ListCell* cell;
  foreach (cell, scan->indexclauses) {
    IndexClause* clause = lfirst_node(IndexClause, cell);
    RestrictInfo* original = ranges.OriginalOf(clause->rinfo);
    if (original != nullptr) {
      IndexClause* changed = makeNode(IndexClause);
      *changed = *clause;
      changed->rinfo = original;
      clause = changed;
      *has_range = true;
    }
    clauses = lappend(clauses, clause);
  }
  scan->indexclauses = clauses;
  return &scan->path;
}

// Of a bitmap core looks whether a condition follows from what the indexes evaluate, and then has it rechecked, no
// filter. For that it takes a partial index's predicate, too: the original condition is put there.
Path* BitmapScan(const RelOptInfo* rel, const Path* path, const Ranges& ranges, bool* has_range) {
  IndexPath* scan = CopyOf<IndexPath>(path);
  IndexOptInfo* index = makeNode(IndexOptInfo);
  *index = *OriginalIndex(rel, scan->indexinfo);
  index->indpred = list_copy(index->indpred);
  ListCell* cell;
  foreach (cell, scan->indexclauses) {
    const RestrictInfo* original = ranges.OriginalOf(lfirst_node(IndexClause, cell)->rinfo);
    if (original == nullptr) continue;
    index->indpred = lappend(index->indpred, original->clause);
    *has_range = true;
  }
  scan->indexinfo = index;
  return &scan->path;
}

// A path of the copy, as the relation's. Paths of the copy share parts.
Path* Restore(PlannerInfo* root, RelOptInfo* rel, const Path* path, const Ranges& ranges, bool in_bitmap,
              bool* has_range) {
  const auto restore_all = [&](const List* paths) {
    List* all = NIL;
    ListCell* cell;
    foreach (cell, paths)
      all = lappend(all, Restore(root, rel, static_cast<Path*>(lfirst(cell)), ranges, true, has_range));
    return all;
  };
  Path* restored;
  switch (nodeTag(path)) {
    case T_BitmapHeapPath: {
      BitmapHeapPath* scan = CopyOf<BitmapHeapPath>(path);
      scan->bitmapqual = Restore(root, rel, scan->bitmapqual, ranges, true, has_range);
      restored = &scan->path;
      break;
    }
    case T_BitmapAndPath: {
      BitmapAndPath* all = CopyOf<BitmapAndPath>(path);
      all->bitmapquals = restore_all(all->bitmapquals);
      restored = &all->path;
      break;
    }
    case T_BitmapOrPath: {
      BitmapOrPath* any = CopyOf<BitmapOrPath>(path);
      any->bitmapquals = restore_all(any->bitmapquals);
      restored = &any->path;
      break;
    }
    default:
      restored = in_bitmap ? BitmapScan(rel, path, ranges, has_range) : Scan(rel, path, ranges, has_range);
      break;
  }
  restored->parent = rel;
  if (path->param_info != nullptr) {
    restored->param_info = get_baserel_parampathinfo(root, rel, path->param_info->ppi_req_outer);
    restored->param_info->ppi_rows = path->param_info->ppi_rows;
  }
  return restored;
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
  List* indexes = HnswIndexes(rel);
  if (likely(indexes == NIL) || !index::settings::enable_range_scan) return;
  if (entry->rtekind != RTE_RELATION || entry->inh || IS_DUMMY_REL(rel)) return;
  // Answers may lack a few rows, which is nothing to change a table by.
  if (bms_is_member(static_cast<int>(rel->relid), root->all_result_relids)) return;

  Ranges ranges;
  List* base_restrictions = WithRanges(root, rel->baserestrictinfo, indexes, &ranges);
  List* join_restrictions = WithRanges(root, rel->joininfo, indexes, &ranges);
  if (ranges.made == NIL) return;
  RelOptInfo* copy = Copy(rel, base_restrictions, join_restrictions, ranges);
  EstimateRows(root, rel, copy, ranges);
  create_index_paths(root, copy);
  List* paths = NIL;
  bool is_ordered = false;
  ListCell* cell;
  foreach (cell, copy->pathlist) {
    bool has_range = false;
    Path* path = Restore(root, rel, static_cast<Path*>(lfirst(cell)), ranges, false, &has_range);
    if (!has_range) continue;
    paths = lappend(paths, path);
    is_ordered |= IsA(path, IndexPath) && root->query_pathkeys != NIL && IsOrdered(root, path);
  }
  // A LIMIT bounds the cost of rows in order, whatever the range holds, which nobody knows; a bitmap takes it whole.
  const bool without_bitmaps = is_ordered && root->tuple_fraction > 0;
  foreach (cell, paths)
    if (!(without_bitmaps && IsA(lfirst(cell), BitmapHeapPath))) add_path(rel, static_cast<Path*>(lfirst(cell)));
}

}  // namespace medvec::planner::range_search
