#include "planner/filtered_scan/node.hpp"

#include <initializer_list>

#include "planner/custom_node.hpp"

namespace medvec::planner::filtered_scan {

const CustomScanMethods scan_methods = {kNodeName, CreateState};

void RegisterNode() { RegisterCustomScanMethods(&scan_methods); }

List* MakePrivate(const PlanData& data) {
  List* list = list_make2(makeInteger(static_cast<int>(data.index)), makeInteger(data.has_residual));
  for (const double value : {data.limit, data.rows, data.set_rows, data.key_share, data.question, data.looked_at})
    list = lappend(list, MakeNumber(value));
  return list;
}

PlanData ReadPrivate(List* list) {
  return {.index = static_cast<Oid>(intVal(linitial(list))),
          .limit = floatVal(list_nth(list, 2)),
          .rows = floatVal(list_nth(list, 3)),
          .set_rows = floatVal(list_nth(list, 4)),
          .key_share = floatVal(list_nth(list, 5)),
          .question = floatVal(list_nth(list, 6)),
          .looked_at = floatVal(list_nth(list, 7)),
          .has_residual = intVal(lsecond(list)) != 0};
}

OpExpr* DistanceOf(const Plan* plan) {
  if (!IsA(plan, CustomScan)) return nullptr;
  const CustomScan* scan = reinterpret_cast<const CustomScan*>(plan);
  return scan->methods == &scan_methods ? linitial_node(OpExpr, scan->custom_exprs) : nullptr;
}

}  // namespace medvec::planner::filtered_scan
