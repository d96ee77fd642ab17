#include "planner/semi_join_reduction/node.hpp"

#include "planner/custom_node.hpp"

namespace medvec::planner::semi_join_reduction {

const CustomScanMethods scan_methods = {kNodeName, CreateState};

void RegisterNode() { RegisterCustomScanMethods(&scan_methods); }

List* MakePrivate(const PlanData& data) {
  return list_make2(
      list_make3_int(data.is_semi, data.parameter, data.vector_columns),
      list_make4(MakeNumber(data.wanted), MakeNumber(data.most), MakeNumber(data.after), data.lookup_columns));
}

PlanData ReadPrivate(List* list) {
  const List *numbers = linitial_node(List, list), *lookups = lsecond_node(List, list);
  return {.is_semi = linitial_int(numbers) != 0,
          .parameter = lsecond_int(numbers),
          .vector_columns = lthird_int(numbers),
          .wanted = floatVal(linitial(lookups)),
          .most = floatVal(lsecond(lookups)),
          .after = floatVal(lthird(lookups)),
          .lookup_columns = static_cast<List*>(lfourth(lookups))};
}

bool IsReduction(const Plan* plan) {
  return IsA(plan, CustomScan) && reinterpret_cast<const CustomScan*>(plan)->methods == &scan_methods;
}

Children ChildrenOf(const CustomScan* plan) {
  const List* plans = plan->custom_plans;
  return {static_cast<Plan*>(linitial(plans)), outerPlan(lsecond(plans)),
          list_length(plans) > 2 ? static_cast<Plan*>(lthird(plans)) : nullptr};
}

}  // namespace medvec::planner::semi_join_reduction
