// Which block an index of sparse vectors gets; the measurements are in docs/decisions/0017-bit-and-sparse-geometry.md.
#pragma once

#include "core/hnsw/choose_bit_geometry.hpp"
#include "core/sparse.hpp"

namespace medvec::hnsw {

// Of an index that is created empty, whose vectors nobody has seen.
inline constexpr size_t kUnknownNonzeros = 256;

// `nonzeros`: the most that a block holds of a vector. A vector that has more is stored by its greatest.
// `behind`: bytes that storage keeps behind each block.
constexpr Choice ChooseSparseGeometry(Metric metric, int m, size_t nonzeros, size_t behind = 0) {
  const int degree = std::min<int>(2 * m, kMaxDegree);
  nonzeros = std::clamp<size_t>(nonzeros, 1, kMaxSparseElements);
  const Geometry g = MakeSparseGeometry(metric, nonzeros, degree);
  return {g, TightestPacking(g.block_size + behind)};
}

}  // namespace medvec::hnsw
