// Rows: one for each heap tuple, in dense pages (layout.hpp).
#pragma once

#include "core/hnsw/memory.hpp"
#include "index/pages.hpp"

namespace medvec::index {

// A slot of a row page, in place.
struct Row {
  uint8_t* bytes;

  uint16_t state() const { return Get16(4); }
  bool is_tuple() const { return state() != 0 && state() < kClosedRow; }
  ItemPointerData tuple() const {
    ItemPointerData tuple;
    memcpy(&tuple, bytes, sizeof tuple);
    return tuple;
  }
  uint32_t node() const { return Get32(6); }
  uint32_t next() const { return Get32(0); }  // of a link
  FullTransactionId closed_at() const {
    return FullTransactionIdFromU64(static_cast<uint64>(Get32(6)) << 32 | Get32(0));
  }

  void SetTuple(const ItemPointerData& tuple, uint32_t node) const {
    memcpy(bytes, &tuple, sizeof tuple);
    Put32(6, node);
  }
  void SetLink(uint32_t next) const { Put32(0, next), Put16(4, kLinkRow), Put32(6, 0); }
  void Close(FullTransactionId now) const {
    const uint64 value = U64FromFullTransactionId(now);
    Put32(0, static_cast<uint32_t>(value)), Put16(4, kClosedRow), Put32(6, static_cast<uint32_t>(value >> 32));
  }
  void Clear() const { memset(bytes, 0, kRowHeader); }

 private:
  uint16_t Get16(size_t at) const {
    uint16_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
  }
  uint32_t Get32(size_t at) const {
    uint32_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
  }
  void Put16(size_t at, uint16_t value) const { memcpy(bytes + at, &value, sizeof value); }
  void Put32(size_t at, uint32_t value) const { memcpy(bytes + at, &value, sizeof value); }
};
static_assert(sizeof(ItemPointerData) == 6 && MaxHeapTuplesPerPage < kClosedRow);

inline Row RowAt(const Index& index, Page page, uint32_t slot) { return {Usable(page) + slot * index.meta.row_size}; }

// Before a free slot is filled: the link that a closed row there left behind it goes.
inline void DropLinkBehind(const Index& index, Page page, uint32_t slot) {
  if (RowAt(index, page, slot).state() != kClosedRow || slot + 1 >= index.rows_per_page) return;
  const Row link = RowAt(index, page, slot + 1);
  if (link.state() == kLinkRow) link.Clear();
}

// Fills a slot that was free.
inline void WriteRow(const Index& index, Page page, uint32_t slot, const ItemPointerData& tuple, uint32_t node) {
  DropLinkBehind(index, page, slot);
  RowAt(index, page, slot).SetTuple(tuple, node);
  RaiseUsed(page, (slot + 1) * index.meta.row_size);
}
inline void WriteLink(const Index& index, Page page, uint32_t slot, uint32_t next) {
  DropLinkBehind(index, page, slot);
  RowAt(index, page, slot).SetLink(next);
  RaiseUsed(page, (slot + 1) * index.meta.row_size);
}

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
  explicit RowMap(Index& index) : index_(index), context_(CurrentMemoryContext) {}

  // Whether the row's page is remembered. If not, Lock and Find read the directory, for which the caller must hold no
  // lock on a page.
  bool Knows(uint32_t row) const { return row / index_.rows_per_page < directory_.count; }
  void Find(uint32_t row);
  // The row page of `row`, locked.
  Buffer Lock(uint32_t row, int mode);
  uint32_t Slot(uint32_t row) const { return row % index_.rows_per_page; }

  // Appends the heap tuples of the chain that begins at `row` to `tuples`. Rows that left the chain since `row` was
  // read still lead on.
  void Collect(uint32_t row, uint32_t node, const hnsw::Memory& memory, hnsw::Array<ItemPointerData>* tuples);

  uint32_t pages() const { return directory_.count; }

 private:
  Index& index_;
  MemoryContext context_;
  Directory directory_ = {nullptr, 0};
};

}  // namespace medvec::index
