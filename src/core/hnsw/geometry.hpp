// What a node's block looks like: the one place that knows its bytes.
//
//   offset 0        BlockHeader
//   links           uint32_t[max_degree]     addresses of the neighbours' blocks
//   norms           uint16_t[max_degree]     |r|^2 of the neighbour's residual as bfloat16; sign bit set: a filler link
//   rescales        uint8_t[max_degree]      see EncodedLink in kernels.hpp
//   codes           [max_degree][code_bytes], code-major: one link is one contiguous small write
//   vector          the node's own vector: dim float32, float16 or int8; int8 and then 4 or 8 bits of what is left;
//                   bits; the non-zeros of a sparse vector
//
// What a code and a vector say is the business of the kernels of three families (kernels.hpp): dense vectors, bit
// strings, sparse vectors.
//
// All of it little-endian and unaligned but for the header's and the links' four bytes (blocks start at multiples of
// 4). Behind the codes stand at least 16 bytes of the block (the vector, or padding), so kernels may load whole words
// there. A block may be longer than a page; the graph then hands out a copy in one piece.
#pragma once

#include <cstddef>
#include <cstdint>

namespace medvec::hnsw {

enum class Metric : uint8_t { kL2, kInnerProduct, kCosine, kL1, kHamming, kJaccard };
// kInt12, kInt16: int8 levels as kInt8's, then for each dimension the rest: -8 to 7 16ths of a level, or -128 to 127
// 256ths. Rests of 4 bits share bytes by groups of 32 dimensions: byte j of a group's 16 has that of j in its low half,
// of j + 16 in its high half.
enum class VectorCodec : uint8_t { kFloat32, kFloat16, kInt8, kInt12, kInt16, kBits, kSparse };

using NodeId = uint32_t;
inline constexpr NodeId kNoNode = 0xffffffff;

inline constexpr size_t kMaxDim = 32767;
inline constexpr size_t kMaxBits = 1 << 20;
inline constexpr size_t kMaxDegree = 200;
inline constexpr int kQueryPlanes = 4;

struct BlockHeader {
  uint32_t
      target;      // level 0: storage's own (address of the newest row); above: the same vector's block one level below
  uint8_t degree;  // links in use
  uint8_t anchors;  // of them the first so many are never displaced: each node has one that leads to it
  uint8_t level;
  uint8_t flags;
  float scale;         // of the own vector: v_i = scale * code_i
  float error;         // at least |v - stored v|, over all rows of the node
  uint32_t origin[2];  // storage's own: where the vector comes from (its heap tuple)
};
static_assert(sizeof(BlockHeader) == 24 && alignof(BlockHeader) == 4 && kMaxDegree <= UINT8_MAX);

enum BlockFlags : uint8_t {
  kDead = 1,     // no live row: walked through, never returned, never linked to anew
  kHidden = 2,   // a hint of storage's: no row that anybody sees; searches treat the node as dead, insertion does not
  kShared = 4,   // storage's own: several rows
  kClosed = 8,   // storage's own, of a dead node: no link leads here any more
  kWritten = 16  // storage's own: the slot holds, or held, a block
};

struct Geometry {
  uint32_t dim;  // 0 of sparse vectors
  Metric metric;
  VectorCodec codec;
  uint8_t code_bits;      // a dimension: 1, 2 or 4; 0: there are no codes
  uint16_t max_degree;    // links of a block, on every level
  uint32_t code_bytes;    // of a neighbour; perhaps of a part of the dimensions, or of a sample of the bits
  uint32_t vector_bytes;  // of the own vector
  uint32_t nonzeros;      // of a sparse vector that a block holds
  // Derived:
  uint32_t plane_bytes;  // code_bytes / code_bits
  uint32_t code_dim;     // dense: the first so many dimensions have a code
  uint32_t norms, rescales, codes, vector, block_size;

  constexpr size_t code_size() const { return code_bytes; }
  constexpr size_t vector_size() const { return vector_bytes; }
  // Without, neighbours' blocks are read.
  constexpr bool has_codes() const { return code_bytes > 0; }
  // Levels of the own vector are int8, and perhaps finer ones.
  constexpr bool has_levels() const { return codec >= VectorCodec::kInt8 && codec <= VectorCodec::kInt16; }
  // Dense vectors of these metrics are stored rotated (and centred): lengths and angles are the same there.
  constexpr bool rotated() const { return metric != Metric::kL1; }
};

namespace geometry {

// Fills in what follows from degree and bytes.
constexpr Geometry Lay(Geometry g) {
  const uint32_t degree = g.max_degree;
  g.plane_bytes = g.code_bits > 0 ? g.code_bytes / g.code_bits : 0;
  g.code_dim = g.dim < 8 * g.plane_bytes ? g.dim : 8 * g.plane_bytes;
  g.norms = sizeof(BlockHeader) + 4 * degree;
  g.rescales = g.norms + 2 * degree;
  g.codes = g.rescales + degree;
  g.vector = g.codes + g.code_bytes * degree;
  if (g.codec == VectorCodec::kSparse) g.vector = (g.vector + 3) / 4 * 4;
  const uint32_t end = g.vector + g.vector_bytes;
  g.block_size = ((end > g.vector + 16 ? end : g.vector + 16) + 3) / 4 * 4;
  return g;
}

}  // namespace geometry

// Parts of a level that the rests tell apart.
constexpr int PartsOfLevel(VectorCodec codec) {
  return codec == VectorCodec::kInt12 ? 16 : codec == VectorCodec::kInt16 ? 256 : 1;
}
// Bytes of the rests of the first `dim` dimensions.
constexpr size_t RestBytes(VectorCodec codec, size_t dim) {
  if (codec == VectorCodec::kInt12) return dim / 32 * 16 + (dim % 32 < 16 ? dim % 32 : 16);
  return codec == VectorCodec::kInt16 ? dim : 0;
}

// Dense vectors of `dim` elements. `code_dim`: of so many a neighbour has a code, a multiple of 64; 0: of all.
constexpr Geometry MakeGeometry(size_t dim, Metric metric, VectorCodec codec, int code_bits, int max_degree,
                                size_t code_dim = 0) {
  Geometry g{};
  g.dim = static_cast<uint32_t>(dim);
  g.metric = metric;
  g.codec = codec;
  g.code_bits = static_cast<uint8_t>(code_bits);
  g.max_degree = static_cast<uint16_t>(max_degree);
  g.code_bytes = ((code_dim != 0 && code_dim < g.dim ? static_cast<uint32_t>(code_dim) : g.dim) + 7) / 8 * g.code_bits;
  g.vector_bytes = g.dim * (codec == VectorCodec::kFloat32   ? 4
                            : codec == VectorCodec::kFloat16 ? 2
                                                             : 1) +
                   static_cast<uint32_t>(RestBytes(codec, g.dim));
  return geometry::Lay(g);
}

// Strings of `dim` bits, in whole words. `code_bytes`, a multiple of 8: of a neighbour, all or a sample of its bytes.
constexpr size_t BitBytes(size_t dim) { return (dim + 63) / 64 * 8; }
constexpr Geometry MakeBitGeometry(size_t dim, Metric metric, size_t code_bytes, int max_degree) {
  Geometry g{};
  g.dim = static_cast<uint32_t>(dim);
  g.metric = metric;
  g.codec = VectorCodec::kBits;
  g.code_bits = 1;
  g.max_degree = static_cast<uint16_t>(max_degree);
  g.code_bytes = static_cast<uint32_t>(code_bytes);
  g.vector_bytes = static_cast<uint32_t>(BitBytes(dim));
  return geometry::Lay(g);
}

// Sparse vectors: a block holds the `nonzeros` greatest of a vector, and nothing of its neighbours'.
constexpr Geometry MakeSparseGeometry(Metric metric, size_t nonzeros, int max_degree) {
  Geometry g{};
  g.metric = metric;
  g.codec = VectorCodec::kSparse;
  g.max_degree = static_cast<uint16_t>(max_degree);
  g.nonzeros = static_cast<uint32_t>(nonzeros);
  g.vector_bytes = 4 + 8 * g.nonzeros;
  return geometry::Lay(g);
}

// Views into a block.
inline const BlockHeader& Header(const uint8_t* block) { return *reinterpret_cast<const BlockHeader*>(block); }
inline BlockHeader& Header(uint8_t* block) { return *reinterpret_cast<BlockHeader*>(block); }
inline const NodeId* Links(const uint8_t* block) {
  return reinterpret_cast<const NodeId*>(block + sizeof(BlockHeader));
}
inline NodeId* Links(uint8_t* block) { return reinterpret_cast<NodeId*>(block + sizeof(BlockHeader)); }
inline const uint8_t* Vector(const Geometry& g, const uint8_t* block) { return block + g.vector; }

}  // namespace medvec::hnsw
