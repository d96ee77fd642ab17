#include "core/sparse_distance.hpp"

#include <algorithm>
#include <cmath>

namespace medvec {
namespace {

// Adds up Term over the union of the indices, with 0 for the element that a vector lacks.
template <class Term>
double SumUnion(SparseView a, SparseView b, Term term) {
  double sum = 0;
  size_t i = 0, j = 0;
  while (i < a.count && j < b.count) {
    const int32_t index_a = a.indices[i], index_b = b.indices[j];
    const bool take_a = index_a <= index_b, take_b = index_b <= index_a;
    sum += term(take_a ? a.values[i] : 0, take_b ? b.values[j] : 0);
    i += take_a;
    j += take_b;
  }
  for (; i < a.count; ++i) sum += term(a.values[i], 0);
  for (; j < b.count; ++j) sum += term(0, b.values[j]);
  return sum;
}

double SumProducts(SparseView a, SparseView b) {
  double sum = 0;
  size_t i = 0, j = 0;
  while (i < a.count && j < b.count) {
    const int32_t index_a = a.indices[i], index_b = b.indices[j];
    if (index_a == index_b) sum += static_cast<double>(a.values[i]) * b.values[j];
    i += index_a <= index_b;
    j += index_b <= index_a;
  }
  return sum;
}

}  // namespace

float SparseL2Squared(SparseView a, SparseView b) {
  return static_cast<float>(SumUnion(a, b, [](float x, float y) {
    const double difference = x - y;
    return difference * difference;
  }));
}

float SparseL1(SparseView a, SparseView b) {
  return static_cast<float>(SumUnion(a, b, [](float x, float y) { return static_cast<double>(std::fabs(x - y)); }));
}

float SparseInnerProduct(SparseView a, SparseView b) { return static_cast<float>(SumProducts(a, b)); }

double SparseNormSquared(SparseView a) { return GetDistanceKernels().norm_squared(a.values, a.count); }

CosineSums SparseCosine(SparseView a, SparseView b) {
  return {SparseInnerProduct(a, b), static_cast<float>(SparseNormSquared(a)), static_cast<float>(SparseNormSquared(b))};
}

int CompareSparse(SparseView a, int dim_a, SparseView b, int dim_b) {
  const int common = std::min(dim_a, dim_b);
  size_t i = 0;
  const size_t both = std::min(a.count, b.count);
  while (i < both && a.indices[i] == b.indices[i] && a.values[i] == b.values[i]) ++i;
  // Where they part, the vector whose next element comes first is compared with 0 there.
  const int index_a = i < a.count ? a.indices[i] : common, index_b = i < b.count ? b.indices[i] : common;
  const int at = std::min(index_a, index_b);
  if (at >= common) return (dim_a > dim_b) - (dim_a < dim_b);
  const float x = index_a == at ? a.values[i] : 0, y = index_b == at ? b.values[i] : 0;
  return x < y ? -1 : 1;
}

}  // namespace medvec
