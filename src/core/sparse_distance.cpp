#include "core/sparse_distance.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/sparse_distance.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace medvec {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
// Registers of 8 lanes are the fastest of all, also where there are wider ones.
using Index = hn::CappedTag<int32_t, 8>;
using Float = hn::Rebind<float, Index>;
using IndexVec = hn::Vec<Index>;
using FloatVec = hn::Vec<Float>;

#if HWY_TARGET == HWY_SCALAR  // one lane has no upper half
using Double = hn::Rebind<double, Float>;
using DoubleVec = hn::Vec<Double>;
HWY_INLINE DoubleVec Lower(FloatVec v) { return hn::PromoteTo(Double(), v); }
HWY_INLINE DoubleVec Upper(FloatVec) { return hn::Zero(Double()); }
#else
using HalfFloat = hn::Half<Float>;
using Double = hn::Rebind<double, HalfFloat>;
using DoubleVec = hn::Vec<Double>;
HWY_INLINE DoubleVec Lower(FloatVec v) { return hn::PromoteTo(Double(), hn::LowerHalf(HalfFloat(), v)); }
HWY_INLINE DoubleVec Upper(FloatVec v) { return hn::PromoteTo(Double(), hn::UpperHalf(HalfFloat(), v)); }
#endif

// What a lane adds to the sum, 0 when both elements are. kAlone: an element that the other vector lacks adds something.
struct SquaredDifference {
  static constexpr bool kAlone = true;
  static HWY_INLINE void Add(FloatVec a, FloatVec b, DoubleVec& sum0, DoubleVec& sum1) {
    const FloatVec difference = hn::Sub(a, b);
    const DoubleVec lower = Lower(difference), upper = Upper(difference);
    sum0 = hn::MulAdd(lower, lower, sum0);
    sum1 = hn::MulAdd(upper, upper, sum1);
  }
};

struct AbsoluteDifference {
  static constexpr bool kAlone = true;
  static HWY_INLINE void Add(FloatVec a, FloatVec b, DoubleVec& sum0, DoubleVec& sum1) {
    const FloatVec difference = hn::Abs(hn::Sub(a, b));
    sum0 = hn::Add(sum0, Lower(difference));
    sum1 = hn::Add(sum1, Upper(difference));
  }
};

struct Product {
  static constexpr bool kAlone = false;
  static HWY_INLINE void Add(FloatVec a, FloatVec b, DoubleVec& sum0, DoubleVec& sum1) {
    sum0 = hn::MulAdd(Lower(a), Lower(b), sum0);
    sum1 = hn::MulAdd(Upper(a), Upper(b), sum1);
  }
};

// Reads a register of elements from `at` on. Behind the end of the vector indices are `pad` and values 0. Returns the
// last index in the register, above all where the vector ends in it.
HWY_INLINE int32_t LoadBlock(SparseView from, size_t at, int32_t pad, IndexVec& indices, FloatVec& values) {
  const Index di;
  const Float df;
  const size_t lanes = hn::Lanes(di);
  if (HWY_LIKELY(at + lanes <= from.count)) {
    indices = hn::LoadU(di, from.indices + at);
    values = hn::LoadU(df, from.values + at);
    return from.indices[at + lanes - 1];
  }
  HWY_ALIGN int32_t padded_indices[8];
  HWY_ALIGN float padded_values[8] = {};
  for (int32_t& index : padded_indices) index = pad;
  for (size_t i = at; i < from.count; ++i) {
    padded_indices[i - at] = from.indices[i];
    padded_values[i - at] = from.values[i];
  }
  indices = hn::Load(di, padded_indices);
  values = hn::Load(df, padded_values);
  return std::numeric_limits<int32_t>::max();
}

// Adds up Term over the union of the indices, with 0 for the element that a vector lacks: a merge of the lists, a block
// of each at a time. Each lane of a's block meets each of b's, and takes over the value where the indices are the same;
// then the block whose last index is less is done with.
//
// A merge element by element mispredicts a branch for every other element. ns for random indices, best of 15 on an AMD
// EPYC with AVX-512, inner product / L2:
//   elements        120 and 120   1000 and 1000   10 and 1000   10 and 16000
//   merge               835/880       7900/8000     1100/1150    12800/17400
//   without branches   660/1340      6500/11800     2730/2700    32000/36600
//   blocks             120/215        1040/1820       500/790     7500/11900
//   galloping             920/-          9000/-         260/-          160/-
// Galloping pays for inner products of very unlike lengths only, where reading the longer one costs more than either.
template <class Term>
HWY_INLINE double SumPairs(SparseView a, SparseView b) {
  const Index di;
  const Float df;
  const size_t lanes = hn::Lanes(di);
  const IndexVec next = hn::And(hn::Iota(di, 1), hn::Set(di, static_cast<int32_t>(lanes) - 1));
  const auto rotation = hn::IndicesFromVec(di, next);
  const auto float_rotation = hn::IndicesFromVec(df, next);
  const FloatVec zero = hn::Zero(df);
  DoubleVec sum0 = hn::Zero(Double()), sum1 = sum0;
  size_t i = 0, j = 0;
  IndexVec indices_a, indices_b;
  FloatVec values_a, values_b;
  FloatVec partners = zero;  // b's values at indices_a
  int32_t last_a = LoadBlock(a, i, -1, indices_a, values_a);
  int32_t last_b = LoadBlock(b, j, -2, indices_b, values_b);
  const auto finish_a = [&]() HWY_ATTR {
    Term::Add(values_a, partners, sum0, sum1);
    partners = zero;
    i += lanes;
    last_a = LoadBlock(a, i, -1, indices_a, values_a);
  };
  const auto finish_b = [&]() HWY_ATTR {
    if constexpr (Term::kAlone) Term::Add(zero, values_b, sum0, sum1);
    j += lanes;
    last_b = LoadBlock(b, j, -2, indices_b, values_b);
  };
  while (i < a.count && j < b.count) {
    IndexVec indices = indices_b;
    FloatVec values = values_b;
#pragma GCC unroll 8
    for (size_t k = 0; k < lanes; ++k) {
      const auto same = hn::RebindMask(df, hn::Eq(indices_a, indices));
      partners = hn::IfThenElse(same, values, partners);
      if constexpr (Term::kAlone) values = hn::IfThenZeroElse(same, values);
      indices = hn::TableLookupLanes(indices, rotation);
      values = hn::TableLookupLanes(values, float_rotation);
    }
    if constexpr (Term::kAlone) values_b = values;  // what has met nothing yet, rotated back to its place
    const bool a_ends = last_a <= last_b, b_ends = last_b <= last_a;
    if (a_ends) finish_a();
    if (b_ends) finish_b();
  }
  if constexpr (Term::kAlone) {
    while (i < a.count) finish_a();
    while (j < b.count) finish_b();
  } else if (i < a.count) {
    finish_a();
  }
  return hn::GetLane(hn::SumOfLanes(Double(), hn::Add(sum0, sum1)));
}

double L2Squared(SparseView a, SparseView b) { return SumPairs<SquaredDifference>(a, b); }
double InnerProduct(SparseView a, SparseView b) { return SumPairs<Product>(a, b); }
double L1(SparseView a, SparseView b) { return SumPairs<AbsoluteDifference>(a, b); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec {

HWY_EXPORT(L2Squared);
HWY_EXPORT(InnerProduct);
HWY_EXPORT(L1);

namespace {

// The order in which terms are added depends on which vector comes first, so that is the same one always. Vectors of
// the same indices have the same terms in the same lanes.
void PutInOrder(SparseView& a, SparseView& b) {
  const bool swap = a.count != b.count
                        ? a.count > b.count
                        : std::lexicographical_compare(b.indices, b.indices + b.count, a.indices, a.indices + a.count);
  if (swap) std::swap(a, b);
}

}  // namespace

double SparseDifferenceSquared(SparseView a, SparseView b) {
  PutInOrder(a, b);
  return HWY_DYNAMIC_DISPATCH(L2Squared)(a, b);
}

float SparseL2Squared(SparseView a, SparseView b) { return static_cast<float>(SparseDifferenceSquared(a, b)); }

float SparseInnerProduct(SparseView a, SparseView b) {
  PutInOrder(a, b);
  return static_cast<float>(HWY_DYNAMIC_DISPATCH(InnerProduct)(a, b));
}

float SparseL1(SparseView a, SparseView b) {
  PutInOrder(a, b);
  return static_cast<float>(HWY_DYNAMIC_DISPATCH(L1)(a, b));
}

double SparseNormSquared(SparseView a) { return GetDistanceKernels().norm_squared(a.values, a.count); }

CosineSums SparseCosine(SparseView a, SparseView b) {
  return {SparseInnerProduct(a, b), static_cast<float>(SparseNormSquared(a)), static_cast<float>(SparseNormSquared(b))};
}

int CompareSparse(SparseView a, int dim_a, SparseView b, int dim_b) {
  const size_t both = std::min(a.count, b.count);
  size_t i = 0;
  while (i < both && a.indices[i] == b.indices[i] && a.values[i] == b.values[i]) ++i;
  // Where they part, the vector whose next element comes later has 0.
  const int common = std::min(dim_a, dim_b);
  const int index_a = i < a.count ? a.indices[i] : common, index_b = i < b.count ? b.indices[i] : common;
  const int at = std::min(index_a, index_b);
  if (at >= common) return (dim_a > dim_b) - (dim_a < dim_b);
  const float x = index_a == at ? a.values[i] : 0, y = index_b == at ? b.values[i] : 0;
  return x < y ? -1 : 1;
}

}  // namespace medvec
#endif
