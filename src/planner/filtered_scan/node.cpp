#include "planner/filtered_scan/node.hpp"

namespace medvec::planner::filtered_scan {

const CustomScanMethods scan_methods = {kNodeName, CreateState};

void RegisterNode() { RegisterCustomScanMethods(&scan_methods); }

List* MakePrivate(const PlanData& data) {
  return list_make3(makeInteger(static_cast<int>(data.index)), makeInteger(static_cast<int>(data.limit)),
                    makeInteger(data.has_residual));
}

PlanData ReadPrivate(List* list) {
  return {static_cast<Oid>(intVal(linitial(list))), static_cast<double>(intVal(lsecond(list))),
          intVal(lthird(list)) != 0};
}

OpExpr* DistanceOf(const Plan* plan) {
  if (!IsA(plan, CustomScan)) return nullptr;
  const CustomScan* scan = reinterpret_cast<const CustomScan*>(plan);
  return scan->methods == &scan_methods ? linitial_node(OpExpr, scan->custom_exprs) : nullptr;
}

}  // namespace medvec::planner::filtered_scan
