// The SQL type halfvec(n): binary16 elements.
#pragma once

#include "types/dense.hpp"

namespace medvec {

inline HalfVec* NewHalfVec(int dim) { return NewDense<Half>(dim); }
inline HalfVec* GetHalfVecArg(FunctionCallInfo fcinfo, int n) { return GetDenseArg<Half>(fcinfo, n); }

}  // namespace medvec
