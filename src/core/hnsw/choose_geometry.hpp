// Which block an index gets: degree, code bits, own vector's codec and how blocks fill pages. Decided once, at CREATE
// INDEX, by a pure function; the measurements behind it are in docs/decisions/0010-block-geometry.md.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "core/hnsw/dense_kernels.hpp"

namespace medvec::hnsw {

// Of an 8192-byte page, behind the page header and the special area.
inline constexpr size_t kPageSize = 8192;
inline constexpr size_t kUsablePageSize = 8152;
inline constexpr size_t kRowSize = 10;  // heap tuple and node address, in the row pages
// From this length on a table keeps vectors out of line. Fetching one to put rows in exact order takes longer there
// than two visits: four or eight more bits leave few rows in doubt, for links that cost as much as they save.
inline constexpr size_t kOutOfLineBytes = 1920;
inline constexpr double kUpperShare = 1.0 / 63;  // blocks above level 0, for a level ratio of 64

// `blocks_per_group` blocks lie one behind the other in the usable bytes of `pages_per_group` consecutive pages, so
// that pages_per_group - 1 of them go over a page boundary. Blocks longer than a page: one a group.
struct Packing {
  uint32_t blocks_per_group;
  uint32_t pages_per_group;

  constexpr double bytes_per_block() const { return double{kPageSize} * pages_per_group / blocks_per_group; }
  // Page accesses a hop.
  constexpr double pages_per_hop() const { return 1.0 + (pages_per_group - 1.0) / blocks_per_group; }
};

struct Choice {
  Geometry geometry;
  Packing packing;
  // Index bytes per vector, rows and upper levels included.
  constexpr double bytes_per_vector() const { return packing.bytes_per_block() * (1 + kUpperShare) + kRowSize * 1.01; }
};

// What pgvector spends on a vector: element tuple (72, 8 and the column's bytes) and neighbour tuple (8 + 12 m) share a
// page where they fit, with two line pointers. The size not to exceed.
constexpr double PgvectorBytes(size_t dim, int m, size_t element_bytes) {
  const size_t element = 80 + element_bytes * dim + 4, neighbours = 8 + 12 * static_cast<size_t>(m) + 4;
  if (element + neighbours <= kUsablePageSize) return double{kPageSize} / (kUsablePageSize / (element + neighbours));
  return double{kPageSize} + static_cast<double>(neighbours);
}

namespace choose {

// Largest degree up to `most` whose block fits into `room` bytes; 0: none.
constexpr int FittingDegree(size_t dim, Metric metric, VectorCodec codec, int bits, size_t code_dim, size_t room,
                            int most) {
  const Geometry fixed = MakeGeometry(dim, metric, codec, bits, 0, code_dim);
  if (fixed.block_size > room) return 0;
  const size_t per_link = 7 + fixed.code_bytes;
  int degree = static_cast<int>(std::min<size_t>((room - fixed.block_size) / per_link + 1, static_cast<size_t>(most)));
  while (degree > 0 && MakeGeometry(dim, metric, codec, bits, degree, code_dim).block_size > room) --degree;
  return degree;
}

// x^-0.7 for 1 <= x, by steps fine enough to compare degrees; constexpr, which std::pow is not.
constexpr double HopFactor(double degree) {
  // x^-0.7 = exp(-0.7 ln x); both by series around powers of two.
  double log2 = 0;
  while (degree >= 2) degree /= 2, log2 += 1;
  const double t = (degree - 1) / (degree + 1);
  log2 += 2 * (t + t * t * t / 3 + t * t * t * t * t / 5 + t * t * t * t * t * t * t / 7) * 1.4426950408889634;
  double x = -0.7 * 0.6931471805599453 * log2, sum = 1, term = 1;
  for (int i = 1; i < 20; ++i) term *= x / i, sum += term;
  return sum;
}

// Rows in doubt among the ten asked for and those next to them, which the executor fetches.
constexpr double Fetches(VectorCodec codec) {
  return codec == VectorCodec::kInt8 ? 12 : codec == VectorCodec::kInt12 ? 2.7 : 0.8;
}
inline constexpr double kMicrosecondsAFetch = 5.4;  // out of line

// Microseconds to a recall between .95 and .99, roughly: the number of hops falls as degree^-0.7, below 16 links
// faster, and grows with the variance of the estimates; a hop costs arithmetic and cache misses by the block's length,
// and its page accesses.
constexpr double Cost(const Geometry& g, const Packing& packing, bool out_of_line) {
  const double degree = g.max_degree;
  const double hops = 240 * HopFactor(degree) * (1 + 150 / (degree * degree)) * (1 + 300 * RelativeVariance(g) / g.dim);
  const double hop = 0.65 + 0.22e-3 * static_cast<double>(g.block_size) + 0.25 * packing.pages_per_hop();
  return hops * hop + (out_of_line ? kMicrosecondsAFetch * Fetches(g.codec) : 0);
}

}  // namespace choose

// The block for vectors of `dim` dimensions, `element_bytes` each in the column (4: vector, 2: halfvec), with `m` links
// (a degree of up to 2 m on all levels).
//
// The least cost within pgvector's bytes, with the own vector in 8 bits, or perhaps 12 or 16 where the table keeps
// vectors out of line. More than one bit a code only where at least 4/5 of the links remain: with fewer links parts of
// a set get out of reach, whatever the precision. Then a more exact own vector where the page has room for it, without
// costing a link or a byte of the budget.
//
// `behind`: bytes that storage keeps behind each block.
constexpr Choice ChooseGeometry(size_t dim, Metric metric, int m, size_t element_bytes, size_t behind = 0) {
  const bool out_of_line = dim * element_bytes >= kOutOfLineBytes;
  const int most = std::min<int>(2 * m, kMaxDegree);
  const double budget = PgvectorBytes(dim, m, element_bytes) + static_cast<double>(behind);
  Choice best{};
  double best_cost = 0;
  const auto consider = [&](Packing packing, VectorCodec codec, int bits, size_t code_dim, bool within_budget) {
    const size_t share = kUsablePageSize * packing.pages_per_group / packing.blocks_per_group;
    const size_t room = share > behind ? (share - behind) / 4 * 4 : 0;
    const int degree = choose::FittingDegree(dim, metric, codec, bits, code_dim, room, most);
    const Choice choice{MakeGeometry(dim, metric, codec, bits, degree, code_dim), packing};
    if (degree < std::min(most, 8) || (bits > 1 && 5 * degree < 4 * most)) return;
    if (within_budget && choice.bytes_per_vector() > budget) return;
    const double cost = choose::Cost(choice.geometry, packing, out_of_line);
    if (best_cost == 0 || cost < best_cost) best = choice, best_cost = cost;
  };
  const auto consider_groups = [&](VectorCodec codec, uint32_t most_pages, std::initializer_list<size_t> code_dims) {
    if (codec != VectorCodec::kInt8 && !out_of_line) return;
    for (uint32_t pages = 1; pages <= most_pages; ++pages)
      for (uint32_t blocks = pages; blocks <= 64; ++blocks) {
        if (pages > 1 && blocks % pages == 0) continue;
        for (const size_t code_dim : code_dims)
          for (const int bits : {1, 2, 4})
            if (bits == 1 || code_dim == dim) consider({blocks, pages}, codec, bits, code_dim, true);
      }
  };
  consider_groups(VectorCodec::kInt8, 4, {dim});
  consider_groups(VectorCodec::kInt16, 4, {dim});
  // Where links are few, each counts more than what its code says.
  if (best.geometry.max_degree < std::min(most, 18)) {
    const size_t most_dims = (3 * dim / 4 + 32) / 64 * 64, half = (dim / 2 + 32) / 64 * 64;
    consider_groups(VectorCodec::kInt8, 8, {dim, most_dims, half});
    consider_groups(VectorCodec::kInt16, 8, {dim, most_dims, half});
    // Where 16 bits leave too few, 12 may not.
    if (best.geometry.codec == VectorCodec::kInt8)
      consider_groups(VectorCodec::kInt12, 8, {most_dims, half, (3 * dim / 8 + 32) / 64 * 64});
  }
  if (best_cost == 0) {  // blocks longer than a page: dimensions pgvector does not index, or very large m
    const VectorCodec codec = out_of_line ? VectorCodec::kInt16 : VectorCodec::kInt8;
    const size_t block = MakeGeometry(dim, metric, codec, 1, most).block_size;
    const uint32_t pages = static_cast<uint32_t>((block + behind + kUsablePageSize - 1) / kUsablePageSize);
    consider({1, pages}, codec, 1, dim, false);
  }
  const size_t room = kUsablePageSize * best.packing.pages_per_group / best.packing.blocks_per_group / 4 * 4;
  for (const VectorCodec codec :
       {VectorCodec::kInt12, VectorCodec::kFloat16, VectorCodec::kInt16, VectorCodec::kFloat32}) {
    // float16 is faster than levels with rests, and coarser than 16 bits, which counts where rows are fetched at a
    // price.
    const bool has_rests = PartsOfLevel(codec) > 1;
    if (codec != VectorCodec::kFloat32 && has_rests != out_of_line) continue;
    const Geometry g =
        MakeGeometry(dim, metric, codec, best.geometry.code_bits, best.geometry.max_degree, best.geometry.code_dim);
    if (g.vector_bytes > best.geometry.vector_bytes && g.block_size + behind <= room) best.geometry = g;
  }
  return best;
}

}  // namespace medvec::hnsw
