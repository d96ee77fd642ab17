#include "planner/filtered_scan/node.hpp"

namespace medvec::planner::filtered_scan {

const CustomScanMethods scan_methods = {kNodeName, CreateState};

void RegisterNode() { RegisterCustomScanMethods(&scan_methods); }

List* MakePrivate(const PlanData& data) {
  const auto number = [](double value) { return makeFloat(psprintf("%.0f", value)); };
  return lappend(list_make4(makeInteger(static_cast<int>(data.index)), number(data.limit), number(data.rows),
                            number(data.set_rows)),
                 makeInteger(data.has_residual));
}

PlanData ReadPrivate(List* list) {
  return {.index = static_cast<Oid>(intVal(linitial(list))),
          .limit = floatVal(lsecond(list)),
          .rows = floatVal(lthird(list)),
          .set_rows = floatVal(lfourth(list)),
          .has_residual = intVal(list_nth(list, 4)) != 0};
}

OpExpr* DistanceOf(const Plan* plan) {
  if (!IsA(plan, CustomScan)) return nullptr;
  const CustomScan* scan = reinterpret_cast<const CustomScan*>(plan);
  return scan->methods == &scan_methods ? linitial_node(OpExpr, scan->custom_exprs) : nullptr;
}

}  // namespace medvec::planner::filtered_scan
