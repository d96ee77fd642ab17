// A query in the form the kernels want, in memory of the caller.
#pragma once

#include <cstring>

#include "core/hnsw/kernels.hpp"

namespace medvec::hnsw {

// What all vectors of an index share. `mean` (dim floats, in the rotated space) may be null: then it is zero. It must
// be null for the inner product, which a shift would change.
struct Space {
  Geometry geometry;
  const Rotation* rotation;
  const float* mean;
};

// Bytes of the buffer that MakeQuery divides.
constexpr size_t QueryBufferSize(size_t dim) {
  return 2 * PaddedDim(dim) * sizeof(float) + kQueryPlanes * PaddedDim(dim) / 64 * sizeof(uint64_t) + 64;
}

// Brings `vector` (dim floats; of unit length for cosine) into the blocks' form, in place: rotated and centred.
inline void ToBlockForm(const Space& space, float* vector) {
  if (space.geometry.rotated()) space.rotation->Apply(vector);
  if (space.mean != nullptr)
    for (size_t i = 0; i < space.geometry.dim; ++i) vector[i] -= space.mean[i];
}

// `vector` in the blocks' form already; `buffer` of QueryBufferSize bytes must outlive the query.
inline Query MakeQueryFromBlockForm(const Space& space, const float* vector, void* buffer) {
  const size_t dim = space.geometry.dim, padded = PaddedDim(dim);
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(buffer) + 63) / 64 * 64;
  float* own = reinterpret_cast<float*>(aligned);
  Query query{};
  query.vector = own;
  query.residual = own + padded;
  query.planes = reinterpret_cast<uint64_t*>(query.residual + padded);
  query.rotation = space.rotation;
  std::memcpy(own, vector, dim * sizeof(float));
  for (size_t i = dim; i < padded; ++i) own[i] = 0;
  std::memset(query.residual, 0, padded * sizeof(float));
  if (space.geometry.metric == Metric::kInnerProduct) GetKernels().quantise_query(space.geometry, query);
  return query;
}

inline Query MakeQuery(const Space& space, const float* vector, void* buffer) {
  Query query = MakeQueryFromBlockForm(space, vector, buffer);
  ToBlockForm(space, const_cast<float*>(query.vector));
  if (space.geometry.metric == Metric::kInnerProduct) GetKernels().quantise_query(space.geometry, query);
  return query;
}

}  // namespace medvec::hnsw
