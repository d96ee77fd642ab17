#include "planner/index_planning.hpp"

#include "index/handler.hpp"

namespace medvec::planner {

List* HnswIndexes(const RelOptInfo* rel) {
  List* indexes = NIL;
  ListCell* cell;
  foreach (cell, rel->indexlist)
    if (index::IsHnswIndex(*lfirst_node(IndexOptInfo, cell))) indexes = lappend(indexes, lfirst(cell));
  return indexes;
}

RelOptInfo* CopyForIndexPlanning(const RelOptInfo* rel, const List* indexes) {
  RelOptInfo* copy = makeNode(RelOptInfo);
  *copy = *rel;
  copy->indexlist = copy->pathlist = copy->partial_pathlist = copy->ppilist = NIL;
  copy->cheapest_startup_path = copy->cheapest_total_path = nullptr;
  ListCell* cell;
  foreach (cell, indexes) {
    IndexOptInfo* index = makeNode(IndexOptInfo);
    *index = *lfirst_node(IndexOptInfo, cell);
    index->rel = copy;
    copy->indexlist = lappend(copy->indexlist, index);
  }
  return copy;
}

RelOptInfo* CopyWithoutJoins(const RelOptInfo* rel, const List* indexes) {
  RelOptInfo* copy = CopyForIndexPlanning(rel, indexes);
  copy->joininfo = NIL;
  copy->consider_parallel = copy->has_eclass_joins = false;
  return copy;
}

bool IsOrdered(const PlannerInfo* root, const Path* path) {
  return path->param_info == nullptr && pathkeys_contained_in(root->query_pathkeys, path->pathkeys);
}

}  // namespace medvec::planner
