// Sparse vectors as the algorithms want them.
//
// A block holds a vector's non-zeros, so distances are exact. Where there are more than the block has room for it holds
// the greatest, and the header's `error` is the length of the rest: distances come with guaranteed bounds, as of any
// rounded vector.
//
// There are no codes of neighbours: their own blocks are read. Of what was tried instead (decision 0017), sketches are
// too vague where distances differ little, and codes as good as the vectors make blocks ten times as long.
//
//   vector    uint32 count, int32 indices[nonzeros], float32 values[nonzeros]
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/hnsw/kernels.hpp"
#include "core/sparse_distance.hpp"

namespace medvec::hnsw {

namespace {

SparseView Nonzeros(const Geometry& g, Stored stored) {
  const uint8_t* p = stored.bytes;
  uint32_t count;
  std::memcpy(&count, p, sizeof count);
  return {reinterpret_cast<const int32_t*>(p + 4), reinterpret_cast<const float*>(p + 4 + 4 * size_t{g.nonzeros}),
          std::min(count, g.nonzeros)};
}

float Distance(Metric metric, SparseView a, SparseView b) {
  switch (metric) {
    case Metric::kInnerProduct:
      return -SparseInnerProduct(a, b);
    case Metric::kL1:
      return SparseL1(a, b);
    default:
      return SparseL2Squared(a, b);
  }
}

Query LayQuery(SparseView nonzeros, void* buffer) {
  int32_t* indices = static_cast<int32_t*>(buffer);
  float* values = reinterpret_cast<float*>(indices + nonzeros.count);
  std::copy_n(nonzeros.indices, nonzeros.count, indices);
  std::copy_n(nonzeros.values, nonzeros.count, values);
  Query query{};
  query.nonzeros = {indices, values, nonzeros.count};
  return query;
}

Query MakeQuery(const Space&, const Input& input, void* buffer) { return LayQuery(input.nonzeros, buffer); }

Query QueryOf(const Space& space, Stored stored, void* buffer) {
  return LayQuery(Nonzeros(space.geometry, stored), buffer);
}

Distances Visit(const Space& space, Query& query, const uint8_t* block) {
  const Geometry& g = space.geometry;
  const float distance = Distance(g.metric, query.nonzeros, Nonzeros(g, OwnVector(g, block)));
  return {distance, distance};
}

void EncodeVector(const Space& space, const Query& query, uint8_t* block) {
  const Geometry& g = space.geometry;
  const SparseView all = query.nonzeros;
  float least = 0;   // of the magnitudes that are kept
  size_t equal = 0;  // how many of just this magnitude
  if (all.count > g.nonzeros) {
    float magnitudes[kMaxSparseElements];
    std::transform(all.values, all.values + all.count, magnitudes, [](float x) { return std::abs(x); });
    std::nth_element(magnitudes, magnitudes + g.nonzeros - 1, magnitudes + all.count,
                     [](float a, float b) { return a > b; });
    least = magnitudes[g.nonzeros - 1];
    equal = static_cast<size_t>(std::count(magnitudes, magnitudes + g.nonzeros, least));
  }
  uint8_t* p = block + g.vector;
  int32_t* indices = reinterpret_cast<int32_t*>(p + 4);
  float* values = reinterpret_cast<float*>(p + 4 + 4 * size_t{g.nonzeros});
  uint32_t count = 0;
  double rest = 0;
  for (size_t i = 0; i < all.count; ++i) {
    const float magnitude = std::abs(all.values[i]);
    if (magnitude < least || (magnitude == least && equal == 0)) {
      rest += static_cast<double>(magnitude) * magnitude;
      continue;
    }
    if (magnitude == least) --equal;
    indices[count] = all.indices[i], values[count] = all.values[i];
    ++count;
  }
  std::memcpy(p, &count, sizeof count);
  Header(block).scale = 1;
  Header(block).error = static_cast<float>(std::sqrt(rest) * (1 + 1e-6));
}

EncodedLink EncodeLink(const Space& space, Stored own, Stored neighbour, void*, uint8_t*) {
  const Geometry& g = space.geometry;
  if (g.metric == Metric::kInnerProduct) return {};  // may be negative, which the norm cannot say
  // Below infinity also when rounded.
  const float distance = std::min(Distance(g.metric, Nonzeros(g, own), Nonzeros(g, neighbour)), 3.38e38f);
  uint32_t word = std::bit_cast<uint32_t>(distance);
  word += 0x7fff + (word >> 16 & 1);  // to nearest even
  return {static_cast<uint16_t>(word >> 16), 0};
}

float Norm(const Geometry& g, const uint8_t* stored, float scale) {
  return static_cast<float>(SparseNormSquared(Nonzeros(g, {stored, scale})));
}

float Between(const Geometry& g, const uint8_t* a, float, float, const uint8_t* b, float, float) {
  return Distance(g.metric, Nonzeros(g, {a, 1}), Nonzeros(g, {b, 1}));
}

double Error(const Space& space, const Query& query, Stored stored) {
  return std::sqrt(SparseDifferenceSquared(query.nonzeros, Nonzeros(space.geometry, stored)));
}

bool IsRounding(const Space&, void*, const uint8_t*, uint8_t*) { return false; }

bool IsSound(const Space& space, Stored stored) {
  const Geometry& g = space.geometry;
  uint32_t count;
  std::memcpy(&count, stored.bytes, sizeof count);
  if (count > g.nonzeros) return false;
  const SparseView nonzeros = Nonzeros(g, stored);
  for (size_t i = 0; i < nonzeros.count; ++i) {
    if (nonzeros.indices[i] < 0 || (i > 0 && nonzeros.indices[i] <= nonzeros.indices[i - 1])) return false;
    if (!std::isfinite(nonzeros.values[i]) || nonzeros.values[i] == 0) return false;
  }
  return true;
}

}  // namespace

const Kernels& KernelsOfSparse() {
  static constexpr Kernels kernels = {MakeQuery, QueryOf, Visit, nullptr,    EncodeVector, EncodeLink,
                                      Between,   Norm,    Error, IsRounding, IsSound};
  return kernels;
}

}  // namespace medvec::hnsw
