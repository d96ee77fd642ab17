// Dense vectors as the algorithms want them.
#include <cmath>
#include <cstring>
#include <initializer_list>

#include "core/hnsw/dense_kernels.hpp"

namespace medvec::hnsw {

namespace {

Query LayQuery(const Space& space, void* buffer) {
  const size_t dim = space.geometry.dim, padded = PaddedDim(dim);
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(buffer) + 63) / 64 * 64;
  float* own = reinterpret_cast<float*>(aligned);
  Query query{};
  query.vector = own;
  query.residual = own + padded;
  query.planes = reinterpret_cast<uint64_t*>(query.residual + padded);
  query.rotation = space.rotation;
  for (size_t i = dim; i < padded; ++i) own[i] = 0;
  std::memset(query.residual, 0, padded * sizeof(float));
  return query;
}

void Finish(const Geometry& g, Query& query) {
  if (g.metric == Metric::kInnerProduct) GetDenseKernels().quantise_query(g, query);
}

Query MakeQuery(const Space& space, const Input& input, void* buffer) {
  const Geometry& g = space.geometry;
  Query query = LayQuery(space, buffer);
  float* own = const_cast<float*>(query.vector);
  std::memcpy(own, input.elements, g.dim * sizeof(float));
  if (g.rotated()) space.rotation->Apply(own);
  if (space.mean != nullptr)
    for (size_t i = 0; i < g.dim; ++i) own[i] -= space.mean[i];
  Finish(g, query);
  return query;
}

Query QueryOf(const Space& space, Stored stored, void* buffer) {
  Query query = LayQuery(space, buffer);
  GetDenseKernels().decode_vector(space.geometry, stored, const_cast<float*>(query.vector));
  Finish(space.geometry, query);
  return query;
}

Distances Visit(const Space& space, Query& query, const uint8_t* block) {
  return GetDenseKernels().visit(space.geometry, query, block);
}

void Estimate(const Space& space, const Query& query, const uint8_t* block, float navigation, float* estimates,
              float* deviations) {
  GetDenseKernels().estimate(space.geometry, query, block, navigation, estimates, deviations);
}

void EncodeVector(const Space& space, const Query& query, uint8_t* block) {
  GetDenseKernels().encode_vector(space.geometry, query.vector, block);
}

float Between(const Geometry& g, const uint8_t* a, float scale_a, float norm_a, const uint8_t* b, float scale_b,
              float norm_b) {
  return GetDenseKernels().between(g, a, scale_a, norm_a, b, scale_b, norm_b);
}

float Norm(const Geometry& g, const uint8_t* stored, float scale) { return GetDenseKernels().norm(g, stored, scale); }

// Calls each(i, element) for the elements of a stored vector, a few at a time: there is no room for all.
template <class Each>
void ForDecoded(const Geometry& g, Stored stored, Each each) {
  constexpr uint32_t kPart = 64;
  float part[kPart];
  Geometry some = g;
  for (uint32_t from = 0; from < g.dim; from += kPart) {
    some.dim = g.dim - from < kPart ? g.dim - from : kPart;
    uint8_t both[2 * kPart];
    const uint8_t* bytes = stored.bytes + from * ((g.vector_bytes - RestBytes(g.codec, g.dim)) / g.dim);
    if (const size_t rest_bytes = RestBytes(g.codec, some.dim); rest_bytes > 0) {  // they lie apart from the levels
      std::memcpy(both, bytes, some.dim);
      std::memcpy(both + some.dim, stored.bytes + g.dim + RestBytes(g.codec, from), rest_bytes);
      bytes = both;
    }
    GetDenseKernels().decode_vector(some, {bytes, stored.scale}, part);
    for (uint32_t i = 0; i < some.dim; ++i) each(from + i, part[i]);
  }
}

double Error(const Space& space, const Query& query, Stored stored) {
  double square = 0;
  ForDecoded(space.geometry, stored, [&](uint32_t i, float element) {
    const double difference = static_cast<double>(query.vector[i]) - element;
    square += difference * difference;
  });
  return std::sqrt(square);
}

bool IsSound(const Space& space, Stored stored) {
  bool finite = true;
  ForDecoded(space.geometry, stored, [&](uint32_t, float element) { finite &= std::isfinite(element); });
  return finite;
}

}  // namespace

Query QueryOfBlockForm(const Space& space, const float* vector, void* buffer) {
  Query query = LayQuery(space, buffer);
  std::memcpy(const_cast<float*>(query.vector), vector, space.geometry.dim * sizeof(float));
  Finish(space.geometry, query);
  return query;
}

EncodedLink EncodeDifference(const Space& space, Stored own, Stored neighbour, void* scratch, uint8_t* code) {
  const Geometry& g = space.geometry;
  const DenseKernels& kernels = GetDenseKernels();
  const size_t padded = PaddedDim(g.dim);
  float* residual = static_cast<float*>(scratch);
  float* other = residual + padded;
  kernels.decode_vector(g, neighbour, residual);
  kernels.decode_vector(g, own, other);
  for (size_t i = 0; i < g.dim; ++i) residual[i] -= other[i];
  std::memset(residual + g.dim, 0, (padded - g.dim) * sizeof(float));
  if (!g.rotated()) space.rotation->Apply(residual);
  return kernels.encode_link(g, residual, code);
}

bool IsRounding(const Space& space, void* scratch, const uint8_t* code, uint8_t* computed) {
  const Geometry& g = space.geometry;
  float* residual = static_cast<float*>(scratch);
  double square = 0;
  for (size_t i = 0; i < g.dim; ++i) square += static_cast<double>(residual[i]) * residual[i];
  const float tiny = static_cast<float>(1e-4 * std::sqrt(square / g.dim));
  const auto differs = [&](size_t i) {
    for (size_t bit = 0; bit < g.code_bits; ++bit)
      if ((code[bit * g.plane_bytes + i / 8] ^ computed[bit * g.plane_bytes + i / 8]) >> i % 8 & 1) return true;
    return false;
  };
  for (const float change : {tiny, -2 * tiny}) {
    for (size_t i = 0; i < g.code_dim; ++i)
      if (differs(i)) residual[i] += change;
    GetDenseKernels().encode_link(g, residual, computed);
  }
  return std::memcmp(code, computed, g.code_size()) == 0;
}

const Kernels& KernelsOfDense() {
  static constexpr Kernels kernels = {MakeQuery, QueryOf, Visit, Estimate,   EncodeVector, EncodeDifference,
                                      Between,   Norm,    Error, IsRounding, IsSound};
  return kernels;
}

}  // namespace medvec::hnsw
