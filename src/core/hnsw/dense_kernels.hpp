// Arithmetic on blocks of float vectors, for the widest instruction set of this machine.
//
// Neighbour codes are RaBitQ's (Gao and Long, SIGMOD 2024; several bits a dimension: Gao et al. 2024). For a node c and
// a neighbour n let r = P(n - c), the residual after the rotation, and x its code with levels -(2^B - 1)/2, ..., +1,
// ... Then s <x, y> with s = |r|^2 / <x, r> estimates <r, y> without bias for a random rotation, with a standard
// deviation of |r||y| sqrt((1 / cos^2(x, r) - 1) / dim): 0.76 |r||y| / sqrt(dim) for one bit, 0.37 for two. Where the
// published method quantises the query once, about a global centre, and stores <x, Pc> with each code, we quantise y =
// P(q - c) anew at each node: r and y are short where the search ends, so four bits are plenty and no term cancels, and
// a neighbour needs three bytes of factors instead of eight (norm |r|^2, and the ratio of s to its norm).
//
//   |q - n|^2 ~ |q - c|^2 + |r|^2 - 2 s <x, y>
//
// For the inner product y = Pq, quantised once: -<q, n> ~ -<q, c> - s <x, y>.
// y is quantised in two's complement, u in -8..7, y ~ step u, and held as four bit planes p0..p3: for each bit plane b
// of the code S_b = sum over dimensions of u where the bit is set = |p0 & b| + 2 |p1 & b| + 4 |p2 & b| - 8 |p3 & b|,
// and <x, y> = step (sum over b of 2^b S_b - (2^B - 1)/2 sum of u).
//
// x may cover the first code_dim dimensions alone and be 0 in the others: after the rotation any are as good as any
// others. The estimate stays without bias. Half of them give 1.9 times the deviation, for half of a link's bytes.
#pragma once

#include "core/hnsw/kernels.hpp"

namespace medvec::hnsw {

// A link's rescale codes |r| sqrt(dim) / <x, r> between RescaleMin and RescaleMax in 255 steps.
constexpr float RescaleMin(const Geometry& g) {
  return 2.0f / static_cast<float>((1 << g.code_bits) - 1) * static_cast<float>(g.dim) / static_cast<float>(g.code_dim);
}
constexpr float RescaleMax(const Geometry& g) {
  return RescaleMin(g) * (g.code_bits == 1 ? 2.25f : g.code_bits == 2 ? 3.0f : 5.0f);
}

// Deviation of the error of <r, y> in units of |r||y| / sqrt(dim).
constexpr float RelativeDeviation(int bits) { return bits == 1 ? 0.76f : bits == 2 ? 0.38f : 0.16f; }
// Its square, also where a part of the dimensions has no code: x is 0 there, so that cos^2(x, r) is in proportion.
constexpr float RelativeVariance(const Geometry& g) {
  const float whole = RelativeDeviation(g.code_bits);
  return (1 + whole * whole) * static_cast<float>(g.dim) / static_cast<float>(g.code_dim) - 1;
}

struct DenseKernels {
  // The distance of the query to the node's own vector; quantises the residual for `estimate`.
  Distances (*visit)(const Geometry& g, Query& query, const uint8_t* block);
  // Estimated navigation distances of all neighbours, and the standard deviations of their errors. Both have room for
  // the degree rounded up to 16.
  void (*estimate)(const Geometry& g, const Query& query, const uint8_t* block, float navigation, float* estimates,
                   float* deviations);
  // Quantises query.vector itself: once, for the inner product.
  void (*quantise_query)(const Geometry& g, Query& query);
  // Stores `vector` (dim floats in the blocks' form) with scale and error.
  void (*encode_vector)(const Geometry& g, const float* vector, uint8_t* block);
  void (*decode_vector)(const Geometry& g, Stored stored, float* vector);
  // The code of a residual (PaddedDim floats, zeros behind dim).
  EncodedLink (*encode_link)(const Geometry& g, const float* residual, uint8_t* code);
  // Navigation distance between two stored vectors; of levels without the rests, which choose neighbours as well.
  float (*between)(const Geometry& g, const uint8_t* a, float scale_a, float norm_a, const uint8_t* b, float scale_b,
                   float norm_b);
  // |v|^2 of a stored vector, where `between` or a bound wants it: 0 for codecs without levels but for the inner
  // product.
  float (*norm)(const Geometry& g, const uint8_t* stored, float scale);
};

const DenseKernels& GetDenseKernels();

// The query of a vector in the blocks' form (dim floats); `buffer` of DenseQuerySize bytes.
Query QueryOfBlockForm(const Space& space, const float* vector, void* buffer);

// The code of the difference of two stored vectors. `scratch`: 2 * PaddedDim floats.
EncodedLink EncodeDifference(const Space& space, Stored own, Stored neighbour, void* scratch, uint8_t* code);
// Whether a tiny change of coordinates makes `computed`, which EncodeDifference has just computed, into `code`.
bool IsRounding(const Space& space, void* scratch, const uint8_t* code, uint8_t* computed);

}  // namespace medvec::hnsw
