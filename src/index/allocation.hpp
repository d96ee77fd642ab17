// Places for new blocks and rows. All of it under the exclusive lock of the allocation page, which comes before the
// locks of node pages and row pages.
#pragma once

#include "index/graph.hpp"
#include "index/rows.hpp"

namespace medvec::index {

// A slot for a block: empty, or of a node that was closed before every running transaction began. A new group where
// there is none; that is logged at once, the taking of the slot is the caller's (TakeNode in his record).
NodeId FindNode(Index& index, Buffer allocation, bool upper);
// `slots` neighbouring slots of a row page: the row's number, and its page.
struct FreeRow {
  BlockNumber block;
  uint32_t slot;
  uint32_t number;
};
FreeRow FindRow(Index& index, Buffer allocation, uint32_t slots);

// In a change of the allocation page: what was found is taken.
inline void TakeNode(const Index& index, Page allocation, NodeId node, bool upper) {
  Area& area = upper ? As<Allocation>(allocation).upper : As<Allocation>(allocation).nodes;
  area.next_slot = node % index.meta.blocks_per_group + 1;
}
inline void TakeRow(Page allocation, const FreeRow& row, uint32_t slots) {
  As<Allocation>(allocation).rows.next_slot = row.slot + slots;
}

// Whether no running transaction began before `then`: nobody can still come to what was closed at that time.
bool IsForgotten(FullTransactionId then);

// The header of a block, copied, and whether it can be used for a new one.
hnsw::BlockHeader ReadHeader(Index& index, NodeId node);
bool IsFree(const hnsw::BlockHeader& header);

// Puts a group (by its first page) or a row page at the end of its free list, unless it is in it. Takes the allocation
// page's lock.
void Recycle(Index& index, BlockNumber block, PageKind kind);

}  // namespace medvec::index
