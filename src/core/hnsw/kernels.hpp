// What the algorithms ask of vectors: arithmetic on blocks, for the widest instruction set of this machine. There are
// three families, and no algorithm knows which it works on:
//
//   dense    float vectors; neighbours by RaBitQ codes (dense.cpp)
//   bits     bit strings; neighbours by their own bits, or a sample of them (bits.cpp)
//   sparse   non-zeros with their places; no codes: neighbours are read (sparse.cpp)
//
// Finite input, or distances beyond float32, never give NaN: an estimate that cannot be computed is +infinity.
#pragma once

#include "core/hnsw/geometry.hpp"
#include "core/rotation.hpp"
#include "core/sparse.hpp"

namespace medvec::hnsw {

// Floats or codes in a query buffer are padded with zeros to this many.
inline constexpr size_t kPadding = 64;
constexpr size_t PaddedDim(size_t dim) { return (dim + kPadding - 1) / kPadding * kPadding; }

// What all vectors of an index share. `mean` (dim floats, in the rotated space) may be null: then it is zero. It must
// be null for the inner product, which a shift would change, and for bits and sparse vectors.
struct Space {
  Geometry geometry;
  const Rotation* rotation;  // of dense vectors
  const float* mean;
};

// A vector as its operator sees it, of unit length for cosine: one of these, by family.
struct Input {
  const float* elements = nullptr;  // dim of them
  const uint8_t* bits = nullptr;    // ceil(dim / 8) bytes, zeros behind the last bit
  SparseView nonzeros = {};
};

// A vector as a block holds it.
struct Stored {
  const uint8_t* bytes;
  float scale;
};
inline Stored OwnVector(const Geometry& g, const uint8_t* block) { return {Vector(g, block), Header(block).scale}; }

// A query as the kernels use it, in a buffer of the caller's (QueryBufferSize bytes), which must outlive it.
struct Query {
  // Dense:
  const float* vector;       // PaddedDim floats in the form the blocks hold (rotated, centred), zeros behind
  const Rotation* rotation;  // used for L1 only, whose blocks are not rotated
  float* residual;           // scratch: PaddedDim floats, zeros behind dim
  uint64_t* planes;          // scratch: kQueryPlanes * PaddedDim / 64 words
  float step;                // y ~ step u
  int32_t sum;               // sum of u
  float length;              // |y|
  // Bits:
  const uint8_t* bits;      // BitBytes
  uint32_t ones;            // of them set
  const uint8_t* sample;    // code_bytes of them
  uint8_t* differing;       // scratch: code_bytes; where the sample differs from the visited node's
  uint8_t* node_sample;     // scratch: code_bytes
  uint32_t node_ones;       // of the visited node
  uint32_t node_differing;  // from the query
  // Sparse:
  SparseView nonzeros;
};

// What a visit finds out about the node itself. `navigation` orders the walk (squared L2; -<q, v>; Hamming or Jaccard
// distance), `rank` the answers: the same, except for L1 its L1 distance.
struct Distances {
  float navigation;
  float rank;
};

// One link of a block, beside its code.
struct EncodedLink {
  uint16_t norm;    // bfloat16: dense: |r|^2 of the neighbour's residual; bits: how many differ; sparse: distance
  uint8_t rescale;  // what else an estimate wants: see the families
};

struct Kernels {
  // The query of a vector.
  Query (*make_query)(const Space& space, const Input& input, void* buffer);
  // The query of a vector that a block holds.
  Query (*query_of)(const Space& space, Stored stored, void* buffer);
  // The distance of the query to the node's own vector; prepares for `estimate`.
  Distances (*visit)(const Space& space, Query& query, const uint8_t* block);
  // Estimated navigation distances of all neighbours of the block just visited, and the standard deviations of their
  // errors. Both have room for the degree rounded up to 16. Null where blocks have no codes.
  void (*estimate)(const Space& space, const Query& query, const uint8_t* block, float navigation, float* estimates,
                   float* deviations);
  // Stores the query's vector as the block's own, with scale and error.
  void (*encode_vector)(const Space& space, const Query& query, uint8_t* block);
  // The code of a neighbour of the node `own`. `scratch`: LinkScratchSize bytes.
  EncodedLink (*encode_link)(const Space& space, Stored own, Stored neighbour, void* scratch, uint8_t* code);
  // Navigation distance between two stored vectors, `norm` of each given; it may be coarser than a visit's.
  float (*between)(const Geometry& g, const uint8_t* a, float scale_a, float norm_a, const uint8_t* b, float scale_b,
                   float norm_b);
  // |v|^2 of a stored vector, where `between` or a bound wants it.
  float (*norm)(const Geometry& g, const uint8_t* stored, float scale);
  // |v - stored v| of the query's vector.
  double (*error)(const Space& space, const Query& query, Stored stored);
  // Whether `code` and `computed`, the code that encode_link has just computed, differ by no more than another
  // processor's rounding.
  bool (*is_rounding)(const Space& space, void* scratch, const uint8_t* code, uint8_t* computed);
  // Whether the bytes can be a vector's.
  bool (*is_sound)(const Space& space, Stored stored);
};

const Kernels& KernelsOfDense();
const Kernels& KernelsOfBits();
const Kernels& KernelsOfSparse();

inline const Kernels& GetKernels(const Geometry& g) {
  if (g.codec == VectorCodec::kBits) return KernelsOfBits();
  return g.codec == VectorCodec::kSparse ? KernelsOfSparse() : KernelsOfDense();
}

// Bytes of the buffers that queries, and the code of a link, need; buffers start at any multiple of 8.
constexpr size_t DenseQuerySize(size_t dim) {
  return 2 * PaddedDim(dim) * sizeof(float) + kQueryPlanes * PaddedDim(dim) / 64 * sizeof(uint64_t) + 64;
}
constexpr size_t QueryBufferSize(const Geometry& g) {
  if (g.codec == VectorCodec::kBits) return BitBytes(g.dim) + 3 * size_t{g.code_bytes} + 64;
  if (g.codec == VectorCodec::kSparse) return 8 * size_t{kMaxSparseElements};
  return DenseQuerySize(g.dim);
}
constexpr size_t LinkScratchSize(const Geometry& g) {
  if (g.codec == VectorCodec::kBits) return 8;
  if (g.codec == VectorCodec::kSparse) return (g.vector_bytes + 7) / 8 * 8;
  return 2 * PaddedDim(g.dim) * sizeof(float) + 64;
}

}  // namespace medvec::hnsw
