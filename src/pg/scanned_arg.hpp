// An argument of a function of two values that is called for each row of a scan, as distances are.
#pragma once

#include "pg/detoast.hpp"
#include "pg/scan_prefetch.hpp"

namespace medvec {

// What the calls of a scan tell of one argument. A function keeps one for each of its arguments, for all its calls.
struct ScannedArg {
  ScanPrefetch prefetch;
  RepeatedArg repeated;

  // The value whole and aligned; goes back by Release.
  struct varlena* Get(struct varlena* stored) {
    if (!VARATT_IS_EXTERNAL(stored)) prefetch.Visit(stored);
    return repeated.Get(stored);
  }
  // The value whole, for types of any alignment: values under 127 bytes are not copied.
  struct varlena* GetPacked(struct varlena* stored) {
    if (!VARATT_IS_EXTERNAL(stored)) prefetch.Visit(stored);
    return repeated.GetPacked(stored);
  }
  void Release(struct varlena* stored, struct varlena* whole) const { repeated.Release(stored, whole); }
};

// Returns the float8 that `distance` makes of the two arguments, which it is given as `Get` gives them.
template <auto Get = &ScannedArg::Get, class Distance>
Datum ReturnDistance(FunctionCallInfo fcinfo, ScannedArg (&args)[2], Distance distance) {
  struct varlena* stored_a = reinterpret_cast<struct varlena*>(PG_GETARG_POINTER(0));
  struct varlena* stored_b = reinterpret_cast<struct varlena*>(PG_GETARG_POINTER(1));
  struct varlena* a = (args[0].*Get)(stored_a);
  struct varlena* b = (args[1].*Get)(stored_b);
  const double result = distance(a, b);
  args[0].Release(stored_a, a);
  args[1].Release(stored_b, b);
  PG_RETURN_FLOAT8(result);
}

}  // namespace medvec
