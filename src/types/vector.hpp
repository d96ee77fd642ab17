// The SQL type vector(n): n float32 numbers, all finite, 1 to 32,767 of them.
//
// Stored as: varlena header, int16 dimensions, int16 zero, float32 elements; the layout pgvector's type has. Files here
// are one for each group of functions; their SQL is vector.sql.
#pragma once

#include <span>

#include "pg/detoast.hpp"
#include "pg/server.hpp"

namespace medvec {

inline constexpr int kMaxVectorDim = PG_INT16_MAX;

struct Vector {
  int32 varlena_header;  // SET_VARSIZE
  int16 dim;
  int16 unused;  // 0
  float x[FLEXIBLE_ARRAY_MEMBER];

  std::span<float> elements() { return {x, static_cast<size_t>(dim)}; }
  std::span<const float> elements() const { return {x, static_cast<size_t>(dim)}; }
};
static_assert(offsetof(Vector, x) == 8);

constexpr Size VectorSize(int dim) { return offsetof(Vector, x) + sizeof(float) * dim; }

// Allocates a vector in the current context; the elements are the caller's to set. `dim` has been checked.
Vector* NewVector(int dim);

// Argument `n`, whole and aligned: the datum itself where it is so already, else a copy (PG_FREE_IF_COPY).
inline Vector* GetVectorArg(FunctionCallInfo fcinfo, int n) {
  return reinterpret_cast<Vector*>(Detoast(reinterpret_cast<struct varlena*>(PG_GETARG_POINTER(n))));
}

// 22000 for less than one dimension, 54000 for more than the type holds.
void CheckDim(int64 dim);
// 22000 unless `typmod` is -1 or `dim`.
void CheckTypmod(int32 typmod, int dim);
// 22000 when the dimensions of the operands differ.
[[noreturn]] void RaiseDifferentDims(int a, int b);
inline void CheckSameDim(const Vector* a, const Vector* b) {
  if (unlikely(a->dim != b->dim)) RaiseDifferentDims(a->dim, b->dim);
}
// 22000 when an element is NaN or infinite.
void CheckFinite(std::span<const float> elements);

}  // namespace medvec
