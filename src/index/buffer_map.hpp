// Where the blocks of an index were last seen in shared buffers.
//
// A walk comes to its pages in no order, and the server's look-up of each (a hash table of all buffers, three cache
// misses in a large one) takes as long as half of the arithmetic on a block. An array by block number, kept for the
// session, says which buffer it was; the server's ReadRecentBuffer checks it. It also lets a walk ask the memory for a
// block ahead without looking it up. Figures: docs/decisions/0013-page-access.md.
#pragma once

#include "index/index.hpp"

namespace medvec::index {

// Asks the memory for bytes; of a page that is null, nothing.
inline void Touch(const uint8_t* page, size_t offset, size_t bytes) {
  if (page == nullptr) return;
  const uintptr_t first = reinterpret_cast<uintptr_t>(page) + offset;
  for (uintptr_t line = first & ~uintptr_t{63}; line < first + bytes; line += 64)
    __builtin_prefetch(reinterpret_cast<const void*>(line));
}

class BufferMap {
 public:
  // The session's map for this index, made or enlarged for `blocks` blocks; null for a relation in local buffers.
  static BufferMap* For(Relation relation, BlockNumber blocks);

  // False: too short for this block, and could be longer.
  bool Covers(BlockNumber block) const { return block <= mask_ || mask_ + 1 >= kMostBlocks; }
  // InvalidBuffer: never seen.
  Buffer Get(BlockNumber block) const { return buffers_[block & mask_]; }
  void Put(BlockNumber block, Buffer buffer) { buffers_[block & mask_] = buffer; }

  // The block's buffer, pinned: the one where it was seen last, if it is still there. `map` (perhaps null) is kept long
  // enough.
  static Buffer Pin(BufferMap** map, Index& index, BlockNumber block);
  // Asks for a block that is not known to be in shared buffers.
  static void Prefetch(BufferMap* map, const Index& index, BlockNumber block) {
    if (map == nullptr || !BufferIsValid(map->Get(block))) PrefetchBuffer(index.relation, MAIN_FORKNUM, block);
  }

  // Where the page of a block probably is, for prefetching alone, or null; the memory is asked for what pinning and
  // checking it needs.
  static const uint8_t* Guess(BufferMap* map, const Index& index, BlockNumber block);

  static constexpr uint32_t kMostBlocks = 1 << 21;  // 16 GB in 8 MB; larger indexes share entries

 private:
  RelFileNumber file_;
  Oid tablespace_;
  uint32_t mask_;
  Buffer* buffers_;
  uint64_t last_use_;
};

}  // namespace medvec::index
