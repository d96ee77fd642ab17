#include "planner/hook.hpp"

#include "pg/planner.hpp"
#include "planner/hidden_distance.hpp"

namespace medvec::planner {

namespace {

planner_hook_type previous_hook = nullptr;

PlannedStmt* Plan(Query* query, const char* text, int cursor_options, ParamListInfo params) {
  PlannedStmt* stmt = (previous_hook ? previous_hook : standard_planner)(query, text, cursor_options, params);
  HideDistances(stmt);
  return stmt;
}

}  // namespace

void InstallHook() {
  previous_hook = planner_hook;
  planner_hook = Plan;
}

}  // namespace medvec::planner
