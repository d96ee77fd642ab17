// Sparse vectors as the algorithms want them.
//
// A block holds a vector's non-zeros, so distances of visited nodes are exact. Where there are more than the block has
// room for it holds the greatest, and the header's `error` is the length of the rest: distances come with guaranteed
// bounds, as of any rounded vector.
//
// For its neighbours a vector is a sketch: each non-zero is added, with random signs, to kPlaces of `dim` sums (OSNAP,
// Nelson and Nguyen 2013), which are then rotated. Sketches keep inner products <x, y> up to |x||y| / sqrt(dim),
// without bias, and are dense vectors: their residuals have RaBitQ codes (dense_kernels.hpp), and a block holds its own
// in 8 bits.
//
//   vector    int8 sketch[dim], uint32 count, int32 indices[nonzeros], float32 values[nonzeros]
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "core/hnsw/dense_kernels.hpp"
#include "core/sparse_distance.hpp"

namespace medvec::hnsw {

namespace {

constexpr int kPlaces = 4;
constexpr float kPlaceWeight = 0.5f;  // 1 / sqrt(kPlaces)

// The block seen as that of the sketches alone.
Geometry SketchGeometry(const Geometry& g) {
  Geometry sketch = g;
  sketch.codec = VectorCodec::kInt8;
  sketch.metric = g.metric == Metric::kInnerProduct ? Metric::kInnerProduct : Metric::kL2;
  sketch.vector_bytes = g.dim;
  return sketch;
}
Space SketchSpace(const Space& space) { return {SketchGeometry(space.geometry), space.rotation, nullptr}; }

SparseView Nonzeros(const Geometry& g, Stored stored) {
  const uint8_t* p = stored.bytes + g.dim;
  uint32_t count;
  std::memcpy(&count, p, sizeof count);
  return {reinterpret_cast<const int32_t*>(p + 4), reinterpret_cast<const float*>(p + 4 + 4 * size_t{g.nonzeros}),
          std::min(count, g.nonzeros)};
}

// 64 bits of a place and a sign for each of kPlaces (splitmix64, Steele et al. 2014).
uint64_t Scatter(uint32_t index) {
  uint64_t z = index + 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

void Sketch(SparseView nonzeros, uint32_t dim, float* sums) {
  std::memset(sums, 0, dim * sizeof(float));
  for (size_t i = 0; i < nonzeros.count; ++i) {
    uint64_t random = Scatter(static_cast<uint32_t>(nonzeros.indices[i]));
    for (int k = 0; k < kPlaces; ++k, random >>= 16) {
      const float weight = random & 1 ? kPlaceWeight : -kPlaceWeight;
      sums[(random >> 1 & 0x7fff) % dim] += weight * nonzeros.values[i];
    }
  }
}

// Copies non-zeros behind the sketch's part of the buffer.
void KeepNonzeros(const Geometry& g, SparseView nonzeros, void* buffer, Query& query) {
  uint8_t* p = static_cast<uint8_t*>(buffer) + (DenseQuerySize(g.dim) + 7) / 8 * 8;
  int32_t* indices = reinterpret_cast<int32_t*>(p);
  float* values = reinterpret_cast<float*>(p + sizeof(int32_t) * nonzeros.count);
  std::memcpy(indices, nonzeros.indices, sizeof(int32_t) * nonzeros.count);
  std::memcpy(values, nonzeros.values, sizeof(float) * nonzeros.count);
  query.nonzeros = {indices, values, nonzeros.count};
}

Query MakeQuery(const Space& space, const Input& input, void* buffer) {
  const Geometry& g = space.geometry;
  float sums[kMaxSketchDim];
  Sketch(input.nonzeros, g.dim, sums);
  Query query = KernelsOfDense().make_query(SketchSpace(space), {sums}, buffer);
  KeepNonzeros(g, input.nonzeros, buffer, query);
  return query;
}

Query QueryOf(const Space& space, Stored stored, void* buffer) {
  Query query = KernelsOfDense().query_of(SketchSpace(space), stored, buffer);
  KeepNonzeros(space.geometry, Nonzeros(space.geometry, stored), buffer, query);
  return query;
}

Distances Visit(const Space& space, Query& query, const uint8_t* block) {
  const Geometry& g = space.geometry;
  GetDenseKernels().visit(SketchGeometry(g), query, block);
  const SparseView own = Nonzeros(g, OwnVector(g, block));
  if (g.metric == Metric::kInnerProduct) {
    const float product = -SparseInnerProduct(query.nonzeros, own);
    return {product, product};
  }
  const float square = SparseL2Squared(query.nonzeros, own);
  return {square, g.metric == Metric::kL1 ? SparseL1(query.nonzeros, own) : square};
}

void Estimate(const Space& space, const Query& query, const uint8_t* block, float navigation, float* estimates,
              float* deviations) {
  const Geometry sketch = SketchGeometry(space.geometry);
  GetDenseKernels().estimate(sketch, query, block, navigation, estimates, deviations);
  // The code's error, and the sketch's.
  const float code = RelativeDeviation(sketch.code_bits), factor = std::sqrt(1 + 1 / (code * code));
  for (size_t i = 0; i < Header(block).degree; ++i) deviations[i] *= factor;
}

void EncodeVector(const Space& space, const Query& query, uint8_t* block) {
  const Geometry& g = space.geometry;
  GetDenseKernels().encode_vector(SketchGeometry(g), query.vector, block);
  const SparseView all = query.nonzeros;
  float least = 0;        // of the magnitudes that are kept
  size_t least_kept = 0;  // how many of just this magnitude
  if (all.count > g.nonzeros) {
    float magnitudes[kMaxSparseElements];
    std::transform(all.values, all.values + all.count, magnitudes, [](float x) { return std::abs(x); });
    std::nth_element(magnitudes, magnitudes + g.nonzeros - 1, magnitudes + all.count, std::greater<>());
    least = magnitudes[g.nonzeros - 1];
    least_kept = static_cast<size_t>(std::count(magnitudes, magnitudes + g.nonzeros, least));
  }
  uint8_t* p = block + g.vector + g.dim;
  int32_t* indices = reinterpret_cast<int32_t*>(p + 4);
  float* values = reinterpret_cast<float*>(p + 4 + 4 * size_t{g.nonzeros});
  uint32_t count = 0;
  double rest = 0;
  for (size_t i = 0; i < all.count; ++i) {
    const float magnitude = std::abs(all.values[i]);
    if (magnitude < least || (magnitude == least && least_kept == 0)) {
      rest += static_cast<double>(magnitude) * magnitude;
      continue;
    }
    if (magnitude == least) --least_kept;
    indices[count] = all.indices[i], values[count] = all.values[i];
    ++count;
  }
  std::memcpy(p, &count, sizeof count);
  Header(block).error = static_cast<float>(std::sqrt(rest) * (1 + 1e-6));
}

EncodedLink EncodeLink(const Space& space, Stored own, Stored neighbour, void* scratch, uint8_t* code) {
  return EncodeDifference(SketchSpace(space), own, neighbour, scratch, code);
}

float Norm(const Geometry& g, const uint8_t* stored, float scale) {
  return static_cast<float>(SparseNormSquared(Nonzeros(g, {stored, scale})));
}

// The product by the sketches, which is good enough to choose neighbours.
float Between(const Geometry& g, const uint8_t* a, float scale_a, float norm_a, const uint8_t* b, float scale_b,
              float norm_b) {
  Geometry sketch = SketchGeometry(g);
  sketch.metric = Metric::kInnerProduct;
  const float product = GetDenseKernels().between(sketch, a, scale_a, 0, b, scale_b, 0);
  return g.metric == Metric::kInnerProduct ? product : std::max(0.0f, norm_a + norm_b + 2 * product);
}

double Error(const Space& space, const Query& query, Stored stored) {
  return std::sqrt(static_cast<double>(SparseL2Squared(query.nonzeros, Nonzeros(space.geometry, stored))));
}

bool IsRoundingOfSketch(const Space& space, void* scratch, const uint8_t* code, uint8_t* computed) {
  return IsRounding(SketchSpace(space), scratch, code, computed);
}

bool IsSound(const Space& space, Stored stored) {
  const Geometry& g = space.geometry;
  uint32_t count;
  std::memcpy(&count, stored.bytes + g.dim, sizeof count);
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
  static constexpr Kernels kernels = {MakeQuery, QueryOf, Visit, Estimate,           EncodeVector, EncodeLink,
                                      Between,   Norm,    Error, IsRoundingOfSketch, IsSound};
  return kernels;
}

}  // namespace medvec::hnsw
