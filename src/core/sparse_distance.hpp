// Distances between sparse vectors of the same dimensions, and their order.
//
// Accuracy: differences are float32, sums double, rounded to float32 once at the end: a sum beyond float32 is infinite,
// never NaN. The result does not depend on the order of a and b; between instruction sets it may differ in the last
// bit.
#pragma once

#include "core/distance.hpp"
#include "core/sparse.hpp"

namespace medvec {

float SparseL2Squared(SparseView a, SparseView b);
double SparseDifferenceSquared(SparseView a, SparseView b);  // the same, not rounded to float32
float SparseInnerProduct(SparseView a, SparseView b);
CosineSums SparseCosine(SparseView a, SparseView b);
float SparseL1(SparseView a, SparseView b);
double SparseNormSquared(SparseView a);  // cannot overflow, never 0 unless `a` is

// Negative, 0 or positive: element by element over the dimensions both have, then by dimensions, as SQL arrays.
int CompareSparse(SparseView a, int dim_a, SparseView b, int dim_b);

}  // namespace medvec
