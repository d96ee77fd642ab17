// What the types vector (float32) and halfvec (binary16) share: n numbers, all finite, 1 to 32,767 of them, each
// stored.
//
// Stored as: varlena header, int16 dimensions, int16 zero, elements; the layout pgvector's types have. Each file
// dense_*.cpp is one group of functions, written once over the type of the elements; their SQL is vector.sql and
// halfvec.sql.
#pragma once

#include <algorithm>
#include <span>
#include <type_traits>

#include "core/half.hpp"
#include "pg/detoast.hpp"
#include "pg/server.hpp"
#include "types/dimensions.hpp"

namespace medvec {

template <class Element>
struct DenseVector {
  static constexpr const char* kType = std::is_same_v<Element, Half> ? "halfvec" : "vector";

  int32 varlena_header;  // SET_VARSIZE
  int16 dim;
  int16 unused;  // 0
  Element x[FLEXIBLE_ARRAY_MEMBER];

  std::span<Element> elements() { return {x, static_cast<size_t>(dim)}; }
  std::span<const Element> elements() const { return {x, static_cast<size_t>(dim)}; }
};

using Vector = DenseVector<float>;
using HalfVec = DenseVector<Half>;
static_assert(offsetof(Vector, x) == 8 && offsetof(HalfVec, x) == 8);

template <class Element>
constexpr Size DenseSize(int dim) {
  return offsetof(DenseVector<Element>, x) + sizeof(Element) * dim;
}

// Allocates a vector in the current context; the elements are the caller's to set. `dim` has been checked.
template <class Element>
DenseVector<Element>* NewDense(int dim) {
  const Size size = DenseSize<Element>(dim);
  auto* vector = static_cast<DenseVector<Element>*>(palloc(size));
  SET_VARSIZE(vector, size);
  vector->dim = static_cast<int16>(dim);
  vector->unused = 0;
  return vector;
}

// Argument `n`, whole and aligned: the datum itself where it is so already, else a copy (PG_FREE_IF_COPY).
template <class Element>
DenseVector<Element>* GetDenseArg(FunctionCallInfo fcinfo, int n) {
  struct varlena* stored = reinterpret_cast<struct varlena*>(PG_GETARG_POINTER(n));
  return reinterpret_cast<DenseVector<Element>*>(Detoast(stored));
}

template <class Element>
void CheckDim(int64 dim) {
  CheckDim(DenseVector<Element>::kType, dim, kMaxVectorDim);
}

template <class Element>
void CheckSameDim(const DenseVector<Element>* a, const DenseVector<Element>* b) {
  if (unlikely(a->dim != b->dim)) RaiseDifferentDims(DenseVector<Element>::kType, a->dim, b->dim);
}

// 22000 when an element is NaN or infinite.
template <class Element>
void CheckFinite(const DenseVector<Element>* vector) {
  for (const Element element : vector->elements())
    if (unlikely(!IsFinite(element))) RaiseNotFinite(vector->kType, IsNan(element));
}

// Elements as those of another precision, or of the same. 22003 for a finite number too great for a half; infinities
// and NaN, which no vector holds but an array may, are taken over.
inline void ConvertElements(std::span<const float> from, float* to) { std::ranges::copy(from, to); }
inline void ConvertElements(std::span<const Half> from, float* to) { HalvesToFloats(from.data(), to, from.size()); }
void ConvertElements(std::span<const float> from, Half* to);

}  // namespace medvec
