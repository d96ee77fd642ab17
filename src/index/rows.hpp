// Rows: one for each heap tuple, in dense pages (layout.hpp).
#pragma once

#include "core/hnsw/memory.hpp"
#include "index/buffer_map.hpp"
#include "index/filter.hpp"

namespace medvec::index {

// Before a free slot is filled: the link that a closed row there left behind it goes.
inline void DropLinkBehind(const RowPage& page, uint32_t slot) {
  if (page[slot].state() != kClosedRow || slot + 1 >= page.slots()) return;
  const Row link = page[slot + 1];
  if (link.state() == kLinkRow) link.Clear();
}

// Fills a slot that was free.
inline void WriteRow(const RowPage& page, uint32_t slot, const ItemPointerData& tuple, uint32_t node,
                     const uint8_t* keys) {
  DropLinkBehind(page, slot);
  page[slot].Fill(tuple, node, keys);
}
inline void WriteLink(const RowPage& page, uint32_t slot, uint32_t next) {
  DropLinkBehind(page, slot);
  page[slot].SetLink(next);
}

// A row of a node, for the executor.
struct FoundRow {
  ItemPointerData tuple;
  bool recheck;         // the filter does not know for certain
  bool tested = false;  // it has passed the caller's test
};

// The blocks of row pages, or of upper groups, in order.
struct Directory {
  BlockNumber* blocks;
  uint32_t count;
};
Directory ReadRowDirectory(Index& index);
Directory ReadUpperDirectory(Index& index);

// Finds rows by number; remembers the directory, which only grows.
class RowMap {
 public:
  // What is remembered lies in the memory context that is current now.
  explicit RowMap(Index& index)
      : index_(index), context_(CurrentMemoryContext), map_(BufferMap::For(index.relation, index.blocks)) {}

  // Whether the row's page is remembered. If not, Lock and Find read the directory, for which the caller must hold no
  // lock on a page.
  bool Knows(uint32_t row) const { return row / index_.rows_per_page < directory_.count; }
  void Find(uint32_t row);
  // The row page of `row`, locked.
  Buffer Lock(uint32_t row, int mode);
  uint32_t Slot(uint32_t row) const { return row % index_.rows_per_page; }

  // Appends the rows of the chain that begins at `row` and match to `found`. Rows that left the chain since `row` was
  // read still lead on.
  void Collect(uint32_t row, uint32_t node, const Filter& filter, const hnsw::Memory& memory,
               hnsw::Array<FoundRow>* found);
  // Whether one of them matches.
  bool HasMatch(uint32_t row, uint32_t node, const Filter& filter);

  uint32_t pages() const { return directory_.count; }
  // All row pages there are, or were when they were first asked for.
  const Directory& directory();
  // A row page, or a page of its codes, locked for reading; and asked for ahead.
  Buffer Read(BlockNumber block, PageKind kind);
  void Prefetch(BlockNumber block) { BufferMap::Prefetch(map_, index_, block); }
  // The usable bytes of such a page, for Touch; or null.
  const uint8_t* Guess(BlockNumber block) {
    const uint8_t* page = BufferMap::Guess(map_, index_, block);
    return page == nullptr ? nullptr : page + kPageHeader;
  }

 private:
  // Calls take(row) for the rows of a chain until it returns false; begin() before the first, perhaps again.
  template <class Begin, class Take>
  void Follow(uint32_t row, uint32_t node, Begin begin, Take take);

  Index& index_;
  MemoryContext context_;
  Directory directory_ = {nullptr, 0};
  BufferMap* map_;  // null: local buffers
};

}  // namespace medvec::index
