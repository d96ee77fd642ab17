// Dimensions and elements as every vector type checks them; `type` is the type's SQL name, for the error.
#pragma once

#include "pg/server.hpp"

namespace medvec {

// vector and halfvec; their dimensions are stored in 16 bits.
inline constexpr int kMaxVectorDim = PG_INT16_MAX;

// 22000 for less than one dimension, 54000 for more than `max`.
void CheckDim(const char* type, int64 dim, int max);
// 22000 unless `typmod` is -1 or `dim`.
void CheckTypmod(int32 typmod, int dim);
// The dimensions in argument 0 of a typmod_in function; 22023 unless there is one number, from 1 to `max`.
int32 ReadTypmod(FunctionCallInfo fcinfo, const char* type, int max);
// 22000 when the dimensions of operands differ.
[[noreturn]] void RaiseDifferentDims(const char* type, int a, int b);
// 22000: an element is NaN, or else infinite.
[[noreturn]] void RaiseNotFinite(const char* type, bool is_nan);
// 22003: `value` is finite but not in the range of the type's elements. The number is quoted.
[[noreturn]] void RaiseOutOfRange(const char* type, float value);

}  // namespace medvec
