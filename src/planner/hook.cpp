#include "planner/hook.hpp"

#include "pg/planner.hpp"
#include "planner/filtered_scan/node.hpp"
#include "planner/filtered_scan/path.hpp"
#include "planner/hidden_distance.hpp"
#include "planner/range_search/path.hpp"
#include "planner/semi_join_reduction/node.hpp"
#include "planner/semi_join_reduction/path.hpp"

namespace medvec::planner {

namespace {

planner_hook_type previous_hook = nullptr;
get_relation_info_hook_type previous_relation_hook = nullptr;
set_rel_pathlist_hook_type previous_paths_hook = nullptr;
set_join_pathlist_hook_type previous_join_paths_hook = nullptr;

PlannedStmt* Plan(Query* query, const char* text, int cursor_options, ParamListInfo params) {
  PlannedStmt* stmt = (previous_hook ? previous_hook : standard_planner)(query, text, cursor_options, params);
  HideDistances(stmt);
  return stmt;
}

void Describe(PlannerInfo* root, Oid relation, bool is_parent, RelOptInfo* rel) {
  if (previous_relation_hook) previous_relation_hook(root, relation, is_parent, rel);
  range_search::ForbidBitmaps(rel);
}

void AddPaths(PlannerInfo* root, RelOptInfo* rel, Index relation, RangeTblEntry* entry) {
  if (previous_paths_hook) previous_paths_hook(root, rel, relation, entry);
  range_search::AddPaths(root, rel, entry);
  filtered_scan::AddPath(root, rel, entry);
}

void AddJoinPaths(PlannerInfo* root, RelOptInfo* joined, RelOptInfo* outer, RelOptInfo* inner, JoinType type,
                  JoinPathExtraData* extra) {
  if (previous_join_paths_hook) previous_join_paths_hook(root, joined, outer, inner, type, extra);
  semi_join_reduction::AddPath(root, joined, outer, inner, type, extra);
}

}  // namespace

void InstallHooks() {
  previous_hook = planner_hook;
  planner_hook = Plan;
  previous_relation_hook = get_relation_info_hook;
  get_relation_info_hook = Describe;
  previous_paths_hook = set_rel_pathlist_hook;
  set_rel_pathlist_hook = AddPaths;
  filtered_scan::RegisterNode();
  previous_join_paths_hook = set_join_pathlist_hook;
  set_join_pathlist_hook = AddJoinPaths;
  semi_join_reduction::RegisterNode();
}

}  // namespace medvec::planner
