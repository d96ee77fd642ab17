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

}  // namespace medvec
