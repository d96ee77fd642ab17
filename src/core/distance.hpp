// Distances between vectors of float32 or of binary16, for the widest instruction set of this machine.
//
// Shapes: `a` and `b` hold `dim` elements each, in any alignment; nothing beyond them is read. Elements are finite.
//
// Accuracy: sums are float32, in at least 16 partial sums that are added pairwise (4 on a processor without the vector
// instructions compiled for; read dim / 4 below). With u = 2^-24 the error is at most (dim / 16 + 8) u times the sum of
// the terms' absolute values: relative to the result itself for L1, for L2 squared and for the norms; for the inner
// product relative to |a||b|. A sum beyond float32 is infinite, never NaN (inner products that overflow on the way are
// added again in double). Squares and products under 2^-126 lose bits and those under 2^-149 vanish. Who needs the
// range of double, as for normalising, takes `norm_squared`. The result does not depend on the order of a and b or on
// alignment; between instruction sets it differs in the last bits. Halves are read as floats, which is exact, and no
// sum of them overflows.
#pragma once

#include <cstddef>

#include "core/half.hpp"

namespace medvec {

struct CosineSums {
  float dot;     // <a, b>
  float norm_a;  // |a|^2
  float norm_b;  // |b|^2
};

// One table for each instruction set. Take it once and call through it: the choice is made by GetDistanceKernels.
template <class Element>
struct DistanceKernels {
  float (*l2_squared)(const Element* a, const Element* b, size_t dim);
  float (*inner_product)(const Element* a, const Element* b, size_t dim);
  CosineSums (*cosine)(const Element* a, const Element* b, size_t dim);
  float (*l1)(const Element* a, const Element* b, size_t dim);
  double (*norm_squared)(const Element* a, size_t dim);  // |a|^2 in double: cannot overflow, never 0 unless a is
};

// Of float and of Half.
template <class Element = float>
const DistanceKernels<Element>& GetDistanceKernels();
template <>
const DistanceKernels<float>& GetDistanceKernels<float>();
template <>
const DistanceKernels<Half>& GetDistanceKernels<Half>();

// 1 - cos(a, b), in [0, 2]; NaN for a zero vector; without meaning when a norm overflowed or vanished (|a| < 2^-75).
double CosineDistance(const CosineSums& sums);

}  // namespace medvec
