// A set of heap tuples, from the bitmap of other indexes: for each page the places of its tuples, or the page as a
// whole where the bitmap says no more (it is lossy beyond work_mem). Smaller than the bitmap, and it can be asked for a
// tuple, which the bitmap cannot.
//
// Its tuples are those that indexes point to, the roots of HOT chains, as in our own index.
#pragma once

#include "index/hash_bits.hpp"
#include "pg/bitmaps.hpp"

namespace medvec::index {

class TidSet {
 public:
  // Takes over what the bitmap holds, in the current memory context; the bitmap may go.
  void Drain(TIDBitmap* bitmap);

  bool Contains(const ItemPointerData& tuple) const;
  // Of `count` tuples, whose blocks (four bytes each) and offsets (two) stand one behind the other at any address, bit
  // i of `among` says whether tuple i is in question. Takes those out that are not in the set.
  void Select(const uint8_t* blocks, const uint8_t* offsets, uint32 count, uint64* among) const;
  // Tuples of pages known by tuple; pages known as a whole.
  uint64 tuples() const { return tuples_; }
  uint64 whole_pages() const { return whole_pages_; }

  // Calls visit(block, offset) for each tuple in the order of the table. Of a page as a whole all offsets there could
  // be: most of them are no tuple's. ahead(block) says early which pages will come.
  template <class Visit, class Ahead>
  void ForEach(Visit visit, Ahead ahead) const {
    for (size_t i = 0; i < runs_.size; ++i) {
      const Run& run = runs_[i];
      if (i + kAhead < runs_.size) ahead(runs_[i + kAhead].block);
      const uint32 end = i + 1 < runs_.size ? runs_[i + 1].first_word : static_cast<uint32>(words_.size);
      for (uint32 word = run.first_word; word < end; ++word)
        for (uint64 bits = words_[word]; bits != 0; bits &= bits - 1)
          visit(run.block, static_cast<OffsetNumber>((word - run.first_word) * 64 +
                                                     static_cast<uint32>(pg_rightmost_one_pos64(bits)) + 1));
      for (BlockNumber page = 0; page < run.whole_pages; ++page)
        for (OffsetNumber offset = 1; offset <= MaxHeapTuplesPerPage; ++offset) visit(run.block + page, offset);
    }
  }

 private:
  static constexpr size_t kAhead = 16;

  // A page and the bits of its tuples (offset 1 first); or pages one after the other as a whole, without bits.
  struct Run {
    BlockNumber block;
    BlockNumber whole_pages;  // 0: known by tuple
    uint32 first_word;        // its words end where the next run's begin
  };

  static uint64 Key(BlockNumber block, OffsetNumber offset) { return uint64{block} << 16 | offset; }
  void MakeDirectory(const hnsw::Memory& memory);
  void MakeHashes(const hnsw::Memory& memory);

  hnsw::Array<Run> runs_;  // by block
  hnsw::Array<uint64> words_;
  uint64 tuples_ = 0, whole_pages_ = 0;
  // The first run at or behind each 2^shift-th block, so that a look-up searches about one run.
  uint32* directory_ = nullptr;
  uint32 buckets_ = 0;
  int shift_ = 0;
  HashBits hashes_;
};

}  // namespace medvec::index
