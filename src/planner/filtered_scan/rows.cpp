#include "planner/filtered_scan/rows.hpp"

#include <bit>
#include <cmath>

namespace medvec::planner::filtered_scan {

constexpr uint64 kSign = uint64{1} << 63;

uint64 DistanceKey::Of(double distance) {
  if (std::isnan(distance)) return kNaN;
  const uint64 bits = std::bit_cast<uint64>(distance + 0.0);  // no -0
  return bits & kSign ? ~bits : bits | kSign;
}

double DistanceKey::ToDouble(uint64 key) {
  if (key >= kNaN) return std::numeric_limits<double>::infinity();
  return std::bit_cast<double>(key & kSign ? key ^ kSign : ~key);
}

Rows::Rows(CustomScanState* node, ExprState* conditions, ExprState* distance)
    : node_(node),
      conditions_(conditions),
      distance_(distance),
      fetch_(table_index_fetch_begin(node->ss.ss_currentRelation)) {}

bool Rows::Fetch(uint64 tid, bool* all_dead) {
  ItemPointerData tuple;
  ItemPointerSet(&tuple, static_cast<BlockNumber>(tid >> 16), static_cast<OffsetNumber>(tid & 0xffff));
  bool again = false;
  ++fetched_;
  ResetExprContext(node_->ss.ps.ps_ExprContext);
  return table_index_fetch_tuple(fetch_, &tuple, node_->ss.ps.state->es_snapshot, slot(), &again, all_dead);
}

bool Rows::Passes() {
  if (conditions_ == nullptr) return true;
  ExprContext* context = node_->ss.ps.ps_ExprContext;
  context->ecxt_scantuple = slot();
  if (ExecQual(conditions_, context)) return true;
  InstrCountFiltered1(&node_->ss.ps, 1);
  return false;
}

double Rows::Distance(bool* is_null) {
  ExprContext* context = node_->ss.ps.ps_ExprContext;
  context->ecxt_scantuple = slot();
  ++measured_;
  const Datum value = ExecEvalExprSwitchContext(distance_, context, is_null);
  return *is_null ? 0 : DatumGetFloat8(value);
}

}  // namespace medvec::planner::filtered_scan
