#include "planner/semi_join_reduction/lookup_rows.hpp"

#include <algorithm>

#include "planner/filtered_scan/rows.hpp"

namespace medvec::planner::semi_join_reduction {

using filtered_scan::DistanceKey;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

LookupRows::LookupRows(CustomScanState* node, PlanState* lookups, const PlanData& data, ExprState* distance)
    : node_(node),
      lookups_(lookups),
      data_(data),
      distance_(distance),
      scan_(nullptr),
      limit_(nullptr),
      most_(nullptr) {
  EState* estate = node->ss.ps.state;
  slot_ = ExecInitExtraTupleSlot(estate, ExecGetResultType(lookups), &TTSOpsMinimalTuple);
  context_ = AllocSetContextCreate(estate->es_query_cxt, "semi-join reduction", ALLOCSET_DEFAULT_SIZES);
  if (distance == nullptr) return;
  PlanState* vectors = lookups;
  while ((scan_ = filtered_scan::AsBoundedScan(vectors)) == nullptr && !IsA(vectors, LimitState))
    vectors = outerPlanState(vectors);
  if (scan_ != nullptr) return;
  limit_ = castNode(LimitState, vectors);
  most_ = limit_->limitCount;
}

void LookupRows::Start() {
  // What has other parameters than before is begun anew by core.
  if (is_begun_ && lookups_->chgParam == nullptr) ExecReScan(lookups_);
  if (scan_ != nullptr) scan_->Restart();
  is_begun_ = true;
  SetBound(false);
}

void LookupRows::Reset() {
  ExecClearTuple(slot_);
  found_ = late_ = {};
  given_ = 0;
  is_over_ = false;
  MemoryContextReset(context_);
}

// Looks at no more vectors than the plan says, or at all.
void LookupRows::SetBound(bool is_bounded) {
  if (scan_ != nullptr) {
    scan_->most_rows = is_bounded ? data_.most : kInfinity;
    scan_->farthest = kInfinity;
  } else if (limit_ != nullptr) {
    limit_->limitCount = is_bounded ? most_ : nullptr;
    if (!is_bounded) limit_->noCount = true;
  }
}

bool LookupRows::IsAtBound() const {
  return scan_ != nullptr ? scan_->is_at_most_rows() : limit_->lstate == LIMIT_WINDOWEND;
}

// Of all that may still be found.
double LookupRows::NoneIsNearer() const { return is_over_ || scan_ == nullptr ? kInfinity : scan_->bound; }

TupleTableSlot* LookupRows::TupleOf(TupleTableSlot* row) {
  TupleTableSlot* tuple = ExecClearTuple(node_->ss.ss_ScanTupleSlot);
  memset(tuple->tts_isnull, true, static_cast<size_t>(tuple->tts_tupleDescriptor->natts) * sizeof(bool));
  slot_getallattrs(row);
  for (int i = 0; i < list_length(data_.lookup_columns); ++i) {
    const int column = list_nth_int(data_.lookup_columns, i) - 1;
    tuple->tts_values[column] = row->tts_values[i];
    tuple->tts_isnull[column] = row->tts_isnull[i];
  }
  return ExecStoreVirtualTuple(tuple);
}

uint64 LookupRows::Measure(TupleTableSlot* row) {
  ExprContext* context = node_->ss.ps.ps_ExprContext;
  ResetExprContext(context);
  context->ecxt_scantuple = TupleOf(row);
  bool is_null;
  const Datum distance = ExecEvalExprSwitchContext(distance_, context, &is_null);
  return is_null ? DistanceKey::kNull : DistanceKey::Of(DatumGetFloat8(distance));
}

// False: there are no more rows, or the scan of the vectors pauses.
bool LookupRows::LookUp() {
  TupleTableSlot* row = ExecProcNode(lookups_);
  if (TupIsNull(row)) {
    is_over_ = scan_ == nullptr || !scan_->is_paused();
    return false;
  }
  const uint64 distance = Measure(row);
  const MemoryContext outer = MemoryContextSwitchTo(context_);
  found_.Append(index::ServerMemory(context_), {distance, ExecCopySlotMinimalTuple(row)});
  MemoryContextSwitchTo(outer);
  std::push_heap(found_.begin(), found_.end(), Later);
  return true;
}

bool LookupRows::FindWanted() {
  SetBound(true);
  while (static_cast<double>(found_.size) < data_.wanted)
    if (!LookUp()) return !IsAtBound();
  SetBound(false);  // who should ask for more gets it
  return true;
}

TupleTableSlot* LookupRows::Next() {
  if (distance_ == nullptr) {
    TupleTableSlot* row = is_over_ ? nullptr : ExecProcNode(lookups_);
    is_over_ = TupIsNull(row);
    return is_over_ ? nullptr : TupleOf(row);
  }
  for (;;) {
    const double nearest = found_.size > 0 ? DistanceKey::ToDouble(found_[0].distance) : kInfinity;
    if (found_.size > 0 && NoneIsNearer() >= nearest) {
      std::pop_heap(found_.begin(), found_.end(), Later);
      const Found& next = found_[--found_.size];
      if (next.distance >= given_) {
        given_ = next.distance;
        return TupleOf(next);
      }
      late_.Append(index::ServerMemory(context_), next);
    } else if (is_over_) {
      return late_.size > 0 ? TupleOf(late_[--late_.size]) : nullptr;
    } else {
      if (scan_ != nullptr) scan_->farthest = nearest;
      LookUp();
    }
  }
}

}  // namespace medvec::planner::semi_join_reduction
