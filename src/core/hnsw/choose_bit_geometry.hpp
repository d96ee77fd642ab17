// Which block an index of bit strings gets; the measurements are in docs/decisions/0017-bit-and-sparse-geometry.md.
#pragma once

#include "core/hnsw/choose_geometry.hpp"

namespace medvec::hnsw {

// Blocks of this size, as many in as few pages as they fit: a group of several pages only where that saves a good part
// of them, for its blocks go over page boundaries. Longer than a page: one a group.
constexpr Packing TightestPacking(size_t block_size) {
  Packing best{1, static_cast<uint32_t>((block_size + kUsablePageSize - 1) / kUsablePageSize)};
  for (uint32_t pages = 1; pages <= 4; ++pages) {
    const Packing packing{static_cast<uint32_t>(pages * kUsablePageSize / block_size), pages};
    if (block_size <= kUsablePageSize && packing.bytes_per_block() < 0.95 * best.bytes_per_block()) best = packing;
  }
  return best;
}

// A neighbour's code has all its bits up to 128 bytes. Of longer strings it has a sample of as many, or of a sixteenth
// where that is more: the error grows with the length.
constexpr size_t BitSample(size_t bytes) { return std::min(bytes, std::max<size_t>(128, bytes / 128 * 8)); }

// `behind`: bytes that storage keeps behind each block.
constexpr Choice ChooseBitGeometry(size_t dim, Metric metric, int m, size_t behind = 0) {
  const int degree = std::min<int>(2 * m, kMaxDegree);
  const Geometry g = MakeBitGeometry(dim, metric, BitSample(BitBytes(dim)), degree);
  return {g, TightestPacking(g.block_size + behind)};
}

}  // namespace medvec::hnsw
