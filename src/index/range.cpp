#include "index/range.hpp"

#include "pg/detoast.hpp"
#include "types/within.hpp"

namespace medvec::index {

namespace {

bool IsSame(Datum left, Datum right) {
  const struct varlena* a = Detoast(reinterpret_cast<struct varlena*>(DatumGetPointer(left)));
  const struct varlena* b = Detoast(reinterpret_cast<struct varlena*>(DatumGetPointer(right)));
  return VARSIZE(a) == VARSIZE(b) && memcmp(VARDATA(a), VARDATA(b), VARSIZE(a) - VARHDRSZ) == 0;
}

}  // namespace

Range::Range(const Index& index, const ScanKeyData* keys, int count, const ScanKeyData* order_by) {
  bool has_query = order_by != nullptr;
  const bool is_null = has_query && (order_by->sk_flags & SK_ISNULL);
  if (has_query) query_ = order_by->sk_argument;
  for (int i = 0; i < count; ++i) {
    const ScanKeyData& key = keys[i];
    if (key.sk_attno != 1 || (key.sk_flags & (SK_SEARCHNULL | SK_SEARCHNOTNULL))) continue;
    is_never_ |= (key.sk_flags & SK_ISNULL) != 0;
    if (is_never_) return;
    if (key.sk_flags & SK_SEARCHARRAY) {
      is_open_ = true;
      continue;
    }
    const DistanceRange range = GetDistanceRange(key.sk_argument, index.relation->rd_opcintype[0]);
    is_never_ |= range.is_null;
    if (is_never_) return;
    if (!has_query) query_ = range.query;
    has_query = true;
    if (is_null || !IsSame(query_, range.query))
      is_open_ = true;
    else
      Limit(range.radius, range.inclusive);
  }
}

// The nearest limit counts.
void Range::Limit(double radius, bool inclusive) {
  if (is_limited_ && (float8_lt(radius_, radius) || (float8_eq(radius_, radius) && !inclusive_))) return;
  radius_ = radius, inclusive_ = inclusive, is_limited_ = true;
}

}  // namespace medvec::index
