#include "index/scan.hpp"

#include <limits>
#include <new>

#include "index/options.hpp"
#include "index/ordered_scan.hpp"

namespace medvec::index {

namespace {

OrderedScan& State(IndexScanDesc scan) { return *static_cast<OrderedScan*>(scan->opaque); }

void Start(IndexScanDesc descriptor, OrderedScan& scan, bool all) {
  if (!IsMVCCSnapshot(descriptor->xs_snapshot)) elog(ERROR, "non-MVCC snapshots are not supported with hnsw");
  using Order = OrderedScan::Order;
  const ScanKeyData* order_by = descriptor->numberOfOrderBys > 0 ? &descriptor->orderByData[0] : nullptr;
  const IterativeScan iterative = static_cast<IterativeScan>(settings::iterative_scan);
  const Range range(scan.index(), descriptor->keyData, descriptor->numberOfKeys, order_by);
  scan.Start({
      .query = range.query(),
      .is_null = order_by != nullptr ? (order_by->sk_flags & SK_ISNULL) != 0 : !range.is_limited(),
      .keys = descriptor->keyData,
      .key_count = descriptor->numberOfKeys,
      // A standby's snapshot may see rows that are dead to everybody on the primary.
      .with_hidden = !descriptor->ignore_killed_tuples,
      .order = order_by == nullptr                         ? Order::kNone
               : iterative == IterativeScan::kRelaxedOrder ? Order::kRelaxed
                                                           : Order::kStrict,
      // What is not all in order has an end of its own.
      .is_once = iterative == IterativeScan::kOff && order_by != nullptr && !range.is_limited(),
      .range = range,
      .all = all,
  });
}

// The distance of the row given out, as far as it is known: a bound, which the executor makes exact.
void StoreDistances(IndexScanDesc descriptor, const OrderedScan& scan) {
  IndexOrderByDistance distances[INDEX_MAX_KEYS];
  Oid types[INDEX_MAX_KEYS];
  for (int i = 0; i < descriptor->numberOfOrderBys; ++i) {
    // A second ordering by the same column: any value is possible.
    distances[i] = {i == 0 ? scan.lower() : -std::numeric_limits<double>::infinity(), false};
    types[i] = FLOAT8OID;
    if (scan.kind() == QueryKind::kNull) distances[i].isnull = true;
    if (scan.kind() == QueryKind::kNowhere) distances[i].value = std::numeric_limits<double>::quiet_NaN();
  }
  index_store_float8_orderby_distances(descriptor, types, distances,
                                       scan.kind() == QueryKind::kVector && !scan.is_certain());
}

}  // namespace

IndexScanDesc BeginScan(Relation relation, int keys, int order_bys) {
  const IndexScanDesc descriptor = RelationGetIndexScan(relation, keys, order_bys);
  descriptor->opaque = new (palloc(sizeof(OrderedScan))) OrderedScan(relation);
  if (order_bys > 0) {
    descriptor->xs_orderbyvals = static_cast<Datum*>(palloc0(sizeof(Datum) * static_cast<size_t>(order_bys)));
    descriptor->xs_orderbynulls = static_cast<bool*>(palloc(sizeof(bool) * static_cast<size_t>(order_bys)));
    memset(descriptor->xs_orderbynulls, true, sizeof(bool) * static_cast<size_t>(order_bys));
  }
  return descriptor;
}

void Rescan(IndexScanDesc descriptor, ScanKey keys, int, ScanKey order_bys, int) {
  State(descriptor).End();
  if (keys != nullptr && descriptor->numberOfKeys > 0)
    memmove(descriptor->keyData, keys, sizeof(ScanKeyData) * static_cast<size_t>(descriptor->numberOfKeys));
  if (order_bys != nullptr && descriptor->numberOfOrderBys > 0)
    memmove(descriptor->orderByData, order_bys,
            sizeof(ScanKeyData) * static_cast<size_t>(descriptor->numberOfOrderBys));
}

ScanCounters CountersOf(IndexScanDesc descriptor) { return State(descriptor).counters(); }

bool NextTuple(IndexScanDesc descriptor, ScanDirection) {
  OrderedScan& scan = State(descriptor);
  if (!scan.is_started()) Start(descriptor, scan, false);
  if (descriptor->kill_prior_tuple) scan.Hide();
  FoundRow row;
  if (!scan.Next(&row)) return false;
  descriptor->xs_heaptid = row.tuple;
  descriptor->xs_recheck = row.recheck;
  if (descriptor->numberOfOrderBys > 0) StoreDistances(descriptor, scan);
  return true;
}

int64 GetBitmap(IndexScanDesc descriptor, TIDBitmap* bitmap) {
  int64 rows = 0;
  Start(descriptor, State(descriptor), true);
  for (; NextTuple(descriptor, ForwardScanDirection); ++rows)
    tbm_add_tuples(bitmap, &descriptor->xs_heaptid, 1, descriptor->xs_recheck);
  return rows;
}

void EndScan(IndexScanDesc descriptor) {
  State(descriptor).End();
  State(descriptor).Free();
}

}  // namespace medvec::index
