// The graph of core/hnsw over index pages (concept MutableGraph).
//
// A node's address is (first block of its group) x blocks_per_group + slot: four bytes that lead to the page without a
// look-up. A block that lies in one page is read in place, under the page's share lock; one that spans pages is copied
// with all of them locked, so that no reader sees half of a change. README.md has the locking protocol.
#pragma once

#include "core/hnsw/graph.hpp"
#include "index/buffer_map.hpp"
#include "index/pages.hpp"
#include "index/row_codes.hpp"

namespace medvec::index {

using hnsw::Entry;
using hnsw::kNoNode;
using hnsw::NodeId;

// Where a block lies.
struct Place {
  BlockNumber first;  // page
  uint32_t pages;
  uint32_t offset;    // in the usable bytes of the first page
  uint16_t position;  // of the first page in its group
};

inline Place PlaceOf(const Index& index, NodeId node) {
  const Meta& meta = index.meta;
  const uint32_t group = node / meta.blocks_per_group, slot = node % meta.blocks_per_group;
  const uint64 from = uint64{slot} * meta.block_size;
  const uint32_t first = static_cast<uint32_t>(from / kUsable), offset = static_cast<uint32_t>(from % kUsable);
  return {group + first, (offset + meta.block_size + kUsable - 1) / kUsable, offset, static_cast<uint16_t>(first)};
}

// The entry's lock among the processes of a parallel build, whose heavyweight locks do not conflict with each other.
class SharedEntryLock {
 public:
  void Init();
  void Acquire();
  void Release();

 private:
  slock_t mutex_;
  bool held_;
  ConditionVariable released_;
};

class PageGraph {
 public:
  explicit PageGraph(Index& index);

  // The heap tuple of the next block appended to level 0, and its keys.
  void SetTuple(const ItemPointerData& tuple, const uint8_t* keys) { tuple_ = tuple, keys_ = keys; }
  void SetEntryLock(SharedEntryLock* lock) { entry_lock_ = lock; }

  Entry GetEntry();
  const uint8_t* Read(NodeId node);
  // The same for a slot that may be empty.
  const uint8_t* ReadSlot(NodeId node);
  void Release(NodeId node);
  // Release before its time: for who has to wait for other pages while he visits a block.
  void LetGo();
  void Prefetch(NodeId node);

  NodeId Append(const uint8_t* block, int level);
  uint8_t* Write(NodeId node);
  void Commit(NodeId node, bool changed);
  void LockEntry();
  void ReplaceEntry(Entry entry);
  void UnlockEntry();

  // Adds a row of the tuple set to a node with the same stored vector, and raises its error. False: the node has died
  // meanwhile.
  bool AddRow(NodeId node, float error);

  // The insertion is through. From its first block on it is not to be cancelled: before it has looked at its neighbours
  // again (Insertion::DropDeadLinks) it may link to one that vacuum is about to close.
  void EndInsertion();

  // A hint: nobody sees the one row of the node any more. Does nothing where it has another by now: its heap tuple may
  // be at the same place, but a row's slot is not used again while the caller's transaction runs.
  void Hide(NodeId node, uint32_t row, const ItemPointerData& tuple);

  // Pages read so far.
  uint64_t reads() const { return reads_; }

 private:
  // Of a block, in one of its pages.
  struct Part {
    uint32_t before, offset, size;  // bytes of the block before it; its place in the page
  };

  Buffer Pin(BlockNumber block);
  void Lock(const Place& place, int mode);
  void CheckWritten(NodeId node, const uint8_t* block) const;
  void CopyOut(const Place& place, uint8_t* to) const;
  void WriteLong(const Place& place);
  void CommitLong(const Place& place, bool changed);
  void WriteCode(BlockNumber row_page, uint32_t slot, const uint8_t* block);

  Index& index_;
  ItemPointerData tuple_;
  const uint8_t* keys_ = nullptr;
  SharedEntryLock* entry_lock_ = nullptr;
  uint64_t reads_ = 0;
  bool holds_interrupts_ = false;

  Buffer* buffers_;     // of the block that is read or written now
  bool holds_ = false;  // one that is read in place
  uint8_t* copy_;       // it in one piece, when it spans pages
  GenericXLogState* state_ = nullptr;
  uint8_t* image_ = nullptr;  // what Write handed out
  BufferMap* map_;            // null: local buffers
  RowEncoder encoder_;
};

// The heap tuple in a block's header.
inline ItemPointerData OriginTuple(const uint32_t origin[2]) {
  ItemPointerData tuple;
  memcpy(&tuple, origin, sizeof tuple);
  return tuple;
}
// When a dead node was closed: in the same bytes.
inline FullTransactionId ClosedAt(const uint32_t origin[2]) {
  return FullTransactionIdFromU64(static_cast<uint64>(origin[1]) << 32 | origin[0]);
}

static_assert(hnsw::MutableGraph<PageGraph>);

}  // namespace medvec::index
