// Ranges of distance as one operator: `v <<-> ROW(q, r)` is `v <-> q < r`, and `v <<-> ROW(q, r, true)` is `<=`. The
// planner makes such conditions of comparisons (planner/range_search), since an index condition is a column, an
// operator and a value.
#pragma once

#include "pg/numbers.hpp"

namespace medvec {

// The right-hand side.
struct DistanceRange {
  Datum query;
  double radius;
  bool inclusive;
  bool is_null;  // a field is: then so is the condition, whatever the vector

  // As the server compares: NaN is greater than all other numbers.
  bool Holds(double distance) const { return inclusive ? float8_le(distance, radius) : float8_lt(distance, radius); }
};

// `query` points into the record. 42804: its fields are not a value of `type` and a double precision, and perhaps a
// boolean.
DistanceRange GetDistanceRange(Datum record, Oid type);

}  // namespace medvec
