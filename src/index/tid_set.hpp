// A set of heap tuples, from the bitmap of other indexes: for each page the places of its tuples, or the page as a
// whole where the bitmap says no more (it is lossy beyond work_mem). Smaller than the bitmap, and it can be asked for a
// tuple, which the bitmap cannot.
//
// Its tuples are those that indexes point to, the roots of HOT chains, as in our own index.
#pragma once

#include "core/column.hpp"
#include "index/hash_bits.hpp"
#include "index/layout.hpp"
#include "pg/bitmaps.hpp"

namespace medvec::index {

// A heap tuple as a number, in the order of the table.
inline uint64 TidKey(BlockNumber block, OffsetNumber offset) { return uint64{block} << 16 | offset; }
inline uint64 TidKey(const ItemPointerData& tuple) {
  return TidKey(ItemPointerGetBlockNumberNoCheck(&tuple), ItemPointerGetOffsetNumberNoCheck(&tuple));
}
inline ItemPointerData TupleOf(uint64 key) {
  ItemPointerData tuple;
  ItemPointerSet(&tuple, static_cast<BlockNumber>(key >> 16), static_cast<OffsetNumber>(key));
  return tuple;
}

class TidSet {
 public:
  // An empty set takes over what the bitmap holds, in the current memory context; the bitmap may go.
  void Drain(TIDBitmap* bitmap);
  // The same of these tuples, in any order, each perhaps more than once. They get sorted.
  void Fill(hnsw::Array<uint64>& keys);

  bool Contains(const ItemPointerData& tuple) const {
    return Contains(ItemPointerGetBlockNumberNoCheck(&tuple), ItemPointerGetOffsetNumberNoCheck(&tuple));
  }
  // Of `count` tuples, whose blocks (four bytes each) and offsets (two) stand one behind the other at any address, bit
  // i of `among` says whether tuple i is in question. Takes those out that are not in the set.
  //
  // Of 64 tuples the blocks lie mostly near one another, so that few pages of the set, or none, come into question:
  // these are looked for among the tuples. Where they lie far apart the tuples are looked for in the set.
  void Select(const uint8_t* blocks, const uint8_t* offsets, uint32 count, uint64* among) const;
  // Tuples of pages known by tuple; pages known as a whole.
  uint64 tuples() const { return tuples_; }
  uint64 whole_pages() const { return whole_pages_; }

  // Calls visit(block, offset) for each tuple in the order of the table. Of a page as a whole all offsets there could
  // be: most of them are no tuple's. ahead(block) says early which pages will come.
  template <class Visit, class Ahead>
  void ForEach(Visit visit, Ahead ahead) const {
    for (uint32 i = 0; i < runs_.size; ++i) {
      const Run& run = runs_[i];
      if (i + kAhead < runs_.size) ahead(runs_[i + kAhead].block);
      ForEachOffset(i, [&](OffsetNumber offset) { visit(run.block, offset); });
      for (BlockNumber page = 0; page < run.whole_pages; ++page)
        for (OffsetNumber offset = 1; offset <= MaxHeapTuplesPerPage; ++offset) visit(run.block + page, offset);
    }
  }

 private:
  static constexpr uint32 kAhead = 16;
  // So many pages, or tuples of a page, are looked for among 64 tuples; more of them the other way round.
  static constexpr uint32 kFewRuns = 32, kFewOffsets = 8;

  // A page and the bits of its tuples (offset 1 first); or pages one after the other as a whole, without bits.
  struct Run {
    BlockNumber block;
    BlockNumber whole_pages;  // 0: known by tuple
    uint32 first_word;        // its words end where the next run's begin
  };

  // Up to 64 of them.
  struct Tuples {
    const uint8_t *blocks, *offsets;
    uint32 count;

    BlockNumber Block(int i) const { return ReadAs<uint32>(blocks + i * sizeof(uint32)); }
    OffsetNumber Offset(int i) const { return ReadAs<uint16>(offsets + i * sizeof(uint16)); }
  };

  // By block.
  void Add(const hnsw::Memory& memory, BlockNumber block, OffsetNumber offset);
  void MakeDirectory(const hnsw::Memory& memory);
  BlockNumber LastBlock(uint32 run) const { return runs_[run].block + Max(runs_[run].whole_pages, 1u) - 1; }
  uint32 EndWord(uint32 run) const {
    return run + 1 < runs_.size ? runs_[run + 1].first_word : static_cast<uint32>(words_.size);
  }
  // Of the least bit.
  static OffsetNumber OffsetOf(uint32 word, uint64 bits) {
    return static_cast<OffsetNumber>(word * 64 + static_cast<uint32>(std::countr_zero(bits)) + 1);
  }
  // The first tuples of a page. Returns how many.
  size_t ListOffsets(uint32 run, size_t most, Pair* pairs) const;
  // Calls visit(offset) for each tuple of a page.
  template <class Visit>
  void ForEachOffset(uint32 run, Visit visit) const {
    const uint32 first = runs_[run].first_word, end = EndWord(run);
    for (uint32 word = first; word < end; ++word)
      for (uint64 bits = words_[word]; bits != 0; bits &= bits - 1) visit(OffsetOf(word - first, bits));
  }
  uint32 FirstRun(BlockNumber block) const;
  bool Contains(BlockNumber block, OffsetNumber offset) const;
  bool HasOffset(uint32 run, OffsetNumber offset) const;
  // Which of the tuples in question are in these runs; in any.
  uint64 OfRuns(uint32 run, uint32 end, const Tuples& tuples, uint64 among) const;
  uint64 OneByOne(const Tuples& tuples, uint64 among) const;
  const HashBits& Hashes() const;

  hnsw::Array<Run> runs_;  // by block
  hnsw::Array<uint64> words_;
  uint64 tuples_ = 0, whole_pages_ = 0;
  // The first run at or behind each 2^shift-th block, so that a look-up searches about one run.
  uint32* directory_ = nullptr;
  uint32 buckets_ = 0;
  int shift_ = 0;
  MemoryContext context_ = nullptr;
  mutable HashBits hashes_;  // of the tuples; made when first needed
};

}  // namespace medvec::index
