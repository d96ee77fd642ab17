// The SQL type vector(n): float32 elements.
#pragma once

#include "types/dense.hpp"

namespace medvec {

inline Vector* NewVector(int dim) { return NewDense<float>(dim); }
inline Vector* GetVectorArg(FunctionCallInfo fcinfo, int n) { return GetDenseArg<float>(fcinfo, n); }

}  // namespace medvec
