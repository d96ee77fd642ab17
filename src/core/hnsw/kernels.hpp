// Arithmetic on blocks, for the widest instruction set of this machine.
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
// Finite input, or distances beyond float32, never give NaN: an estimate that cannot be computed is +infinity.
#pragma once

#include "core/hnsw/geometry.hpp"
#include "core/rotation.hpp"

namespace medvec::hnsw {

// Floats or codes in a query buffer are padded with zeros to this many.
inline constexpr size_t kPadding = 64;
constexpr size_t PaddedDim(size_t dim) { return (dim + kPadding - 1) / kPadding * kPadding; }

// A query as the kernels use it. The buffers are the caller's (PrepareQuery in query.hpp lays them out).
struct Query {
  const float* vector;       // PaddedDim floats in the form the blocks hold (rotated, centred), zeros behind
  const Rotation* rotation;  // used for L1 only, whose blocks are not rotated
  float* residual;           // scratch: PaddedDim floats, zeros behind dim
  uint64_t* planes;          // scratch: kQueryPlanes * PaddedDim / 64 words
  float step;                // y ~ step u
  int32_t sum;               // sum of u
  float length;              // |y|
};

// What a visit finds out about the node itself. `navigation` orders the walk (squared L2; for inner product -<q, v>),
// `rank` the answers: the same, except for L1 its L1 distance.
struct Distances {
  float navigation;
  float rank;
};

// One link of a block. rescale codes |r| sqrt(dim) / <x, r> between RescaleMin(B) and RescaleMax(B) in 255 steps.
struct EncodedLink {
  uint16_t norm;
  uint8_t rescale;
};
constexpr float RescaleMin(int bits) { return 2.0f / static_cast<float>((1 << bits) - 1); }
constexpr float RescaleMax(int bits) { return RescaleMin(bits) * (bits == 1 ? 2.25f : bits == 2 ? 3.0f : 5.0f); }

// Deviation of the error of <r, y> in units of |r||y| / sqrt(dim).
constexpr float RelativeDeviation(int bits) { return bits == 1 ? 0.76f : bits == 2 ? 0.38f : 0.16f; }

struct Kernels {
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
  void (*decode_vector)(const Geometry& g, const uint8_t* stored, float scale, float* vector);
  // The code of a residual (PaddedDim floats, zeros behind dim).
  EncodedLink (*encode_link)(const Geometry& g, const float* residual, uint8_t* code);
  // Navigation distance between two stored vectors; of kInt16 by the coarse levels, which choose neighbours as well.
  float (*between)(const Geometry& g, const uint8_t* a, float scale_a, float norm_a, const uint8_t* b, float scale_b,
                   float norm_b);
  // |v|^2 of a stored vector, where `between` or a bound wants it: 0 for codecs without levels but for the inner
  // product.
  float (*norm)(const Geometry& g, const uint8_t* stored, float scale);
};

const Kernels& GetKernels();

}  // namespace medvec::hnsw
