// Codes of rows (layout.hpp): distances of many rows, estimated without their blocks.
//
// The arithmetic is that of a node's neighbours (core/hnsw/dense_kernels.hpp). The node is the centre of all vectors:
// in the blocks' form, the zero vector. Of an index created empty, which has no centre, that is the origin.
#pragma once

#include "index/pages.hpp"

namespace medvec::index {

struct CodePlace {
  BlockNumber block;
  uint32_t offset;  // in its usable bytes
};
inline CodePlace CodePlaceOf(const Index& index, BlockNumber row_page, uint32_t slot) {
  return {row_page + 1 + slot / index.rows.codes_per_page, slot % index.rows.codes_per_page * index.rows.code_size};
}

class RowEncoder {
 public:
  explicit RowEncoder(const Index& index);
  // Writes the code of a stored vector: index.rows.code_size bytes.
  void Encode(hnsw::Stored vector, uint8_t* code);
  // Whether `code` is that of the vector, but for another processor's rounding.
  bool IsCodeOf(hnsw::Stored vector, const uint8_t* code);

 private:
  const Index& index_;
  uint8_t *zero_ = nullptr, *computed_ = nullptr;
  void* scratch_ = nullptr;
};

// Estimates for one query.
class RowEstimator {
 public:
  RowEstimator(const Index& index, const hnsw::Query& query);

  // Takes the code of the next row; IsFull: estimate first.
  void Add(const uint8_t* code) {
    const hnsw::Geometry& g = index_.row_space.geometry;
    memcpy(block_ + g.norms + sizeof(uint16_t) * count_, code, sizeof(uint16_t));
    block_[g.rescales + count_] = code[kRescaleInCode];
    CopyBits(block_ + g.codes + g.code_size() * count_, code + kBitsInCode, g.code_size());
    ++count_;
  }
  uint32_t count() const { return count_; }
  bool is_full() const { return count_ == kRowsTogether; }
  // Distances, of the walk's kind, below which the rows taken are hardly ever, and above which they mostly are not;
  // then it is empty. Infinite: of a row nothing is known. Both have room for kRowsTogether.
  void Estimate(float* low, float* high);

 private:
  // Inline, since a call for each row takes longer than the copy.
  static void CopyBits(uint8_t* to, const uint8_t* from, size_t bytes) {
    constexpr size_t kStep = 16;
    if (bytes < kStep) {
      memcpy(to, from, bytes);
      return;
    }
    for (size_t i = 0; i + kStep <= bytes; i += kStep) memcpy(to + i, from + i, kStep);
    memcpy(to + bytes - kStep, from + bytes - kStep, kStep);
  }

  const Index& index_;
  hnsw::Query query_;
  uint8_t* block_;  // of a node whose neighbours the rows are
  float navigation_;
  uint32_t count_ = 0;
};

}  // namespace medvec::index
