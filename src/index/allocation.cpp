#include "index/allocation.hpp"

namespace medvec::index {

namespace {

// Appends `block` to a directory, in a change that holds the allocation page.
void Register(Index& index, PageChange* change, Page allocation_page, BlockNumber block, bool rows) {
  Allocation& allocation = As<Allocation>(allocation_page);
  Area& area = rows ? allocation.rows : allocation.upper;
  uint32_t* directory = rows ? allocation.row_directory : allocation.upper_directory;
  const uint32_t ordinal = area.count / kDirectoryEntries, at = area.count % kDirectoryEntries;
  if (ordinal >= (rows ? kRowDirectories : kUpperDirectories))
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("index \"%s\" cannot hold more rows", RelationGetRelationName(index.relation)),
                    errhint("Partition the table.")));
  Page page;
  if (at == 0) {
    const BlockNumber fresh = Extend(index.relation, 1);
    const Buffer buffer = ReadBuffer(index.relation, fresh);
    LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    page = change->AddNew(buffer, PageKind::kDirectory);
    Tail(page).ordinal = ordinal;
    directory[ordinal] = fresh;
  } else {
    page = change->Add(ReadPage(index, directory[ordinal], PageKind::kDirectory, BUFFER_LOCK_EXCLUSIVE));
  }
  As<uint32_t[kDirectoryEntries]>(page)[at] = block;
  SetUsed(page, (at + 1) * 4);
}

BlockNumber NewGroup(Index& index, Buffer allocation, bool upper) {
  const Meta& meta = index.meta;
  const BlockNumber first = Extend(index.relation, meta.pages_per_group);
  if (uint64{first} * meta.blocks_per_group + meta.blocks_per_group >= kNoNode)
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("index \"%s\" cannot grow further", RelationGetRelationName(index.relation)),
                    errhint("Partition the table.")));
  for (uint32_t done = 0; done < meta.pages_per_group;) {
    PageChange change(index);
    for (int i = 0; i < PageChange::kMaxPages && done < meta.pages_per_group; ++i, ++done) {
      const Buffer buffer = ReadBuffer(index.relation, first + done);
      LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      const Page page = change.AddNew(buffer, PageKind::kNodes);
      Tail(page).position = static_cast<uint16_t>(done | (upper ? kUpperLevels : 0));
    }
    change.Finish();
  }
  PageChange change(index);
  const Page page = change.AddHeld(allocation);
  if (upper) Register(index, &change, page, first, false);
  Area& area = upper ? As<Allocation>(page).upper : As<Allocation>(page).nodes;
  area.current = first, area.next_slot = 0;
  ++area.count;
  change.Finish();
  return first;
}

void NewRowPage(Index& index, Buffer allocation) {
  const BlockNumber block = Extend(index.relation, 1 + index.rows.code_pages);
  for (uint32_t done = 0; done < index.rows.code_pages;) {
    PageChange change(index);
    for (int i = 0; i < PageChange::kMaxPages && done < index.rows.code_pages; ++i) {
      const Buffer buffer = ReadBuffer(index.relation, block + ++done);
      LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      Tail(change.AddNew(buffer, PageKind::kCodes)).position = static_cast<uint16_t>(done);
    }
    change.Finish();
  }
  const Buffer buffer = ReadBuffer(index.relation, block);
  LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  PageChange change(index);
  const Page page = change.AddHeld(allocation);
  Area& area = As<Allocation>(page).rows;
  const Page rows = change.AddNew(buffer, PageKind::kRows);
  SetUsed(rows, index.rows.end);
  Tail(rows).ordinal = area.count;
  Register(index, &change, page, block, true);
  area.current = block, area.next_slot = 0;
  ++area.count;
  change.Finish();
}

// Makes the first of the free list the current one.
void PopFree(Index& index, Buffer allocation, PageKind kind, bool upper) {
  PageChange change(index);
  Allocation& to = As<Allocation>(change.AddHeld(allocation));
  Area& area = kind == PageKind::kRows ? to.rows : upper ? to.upper : to.nodes;
  const Page page = change.Add(ReadPage(index, area.first_free, kind, BUFFER_LOCK_EXCLUSIVE));
  area.current = area.first_free, area.next_slot = 0;
  area.first_free = Tail(page).next;
  if (area.first_free == 0) area.first_free = kNoBlock;
  if (area.first_free == kNoBlock) area.last_free = kNoBlock;
  Tail(page).next = 0;
  change.Finish();
}

// The first usable slot of a group from `slot` on; blocks_per_group: none. *waiting: another will be in time.
uint32_t FindInGroup(Index& index, BlockNumber group, uint32_t slot, bool* waiting) {
  for (; slot < index.meta.blocks_per_group; ++slot) {
    const hnsw::BlockHeader header = ReadHeader(index, group * index.meta.blocks_per_group + slot);
    if (IsFree(header)) break;
    *waiting |= (header.flags & hnsw::kClosed) != 0;
  }
  return slot;
}

bool IsFreeRow(const Row& row) {
  return row.state() == 0 || (row.state() == kClosedRow && IsForgotten(row.closed_at()));
}

// The first of `slots` neighbouring usable slots from `slot` on; rows_per_page: none. Behind a closed row its link may
// stand, which belongs to it.
uint32_t FindInRowPage(Index& index, BlockNumber block, uint32_t slot, uint32_t slots, uint32_t* ordinal,
                       bool* waiting) {
  const Buffer buffer = ReadPage(index, block, PageKind::kRows, BUFFER_LOCK_SHARE);
  const RowPage rows(index, BufferGetPage(buffer));
  *ordinal = Tail(BufferGetPage(buffer)).ordinal;
  uint32_t found = index.rows_per_page;
  for (; slot + slots <= index.rows_per_page; ++slot) {
    const Row row = rows[slot];
    if (!IsFreeRow(row)) {
      *waiting |= row.state() == kClosedRow;
      continue;
    }
    if (slots == 2) {
      const Row second = rows[slot + 1];
      const bool own_link = row.state() == kClosedRow && second.state() == kLinkRow;
      if (!own_link && !IsFreeRow(second)) continue;
    }
    found = slot;
    break;
  }
  UnlockReleaseBuffer(buffer);
  return found;
}

}  // namespace

bool IsForgotten(FullTransactionId then) { return GlobalVisCheckRemovableFullXid(nullptr, then); }

bool IsFree(const hnsw::BlockHeader& header) {
  if (!(header.flags & hnsw::kWritten)) return true;
  return (header.flags & hnsw::kDead) && (header.flags & hnsw::kClosed) && IsForgotten(ClosedAt(header.origin));
}

hnsw::BlockHeader ReadHeader(Index& index, NodeId node) {
  const Place place = PlaceOf(index, node);
  hnsw::BlockHeader header;
  size_t done = 0;
  uint32_t offset = place.offset;
  for (BlockNumber block = place.first; done < sizeof header; ++block) {
    const Buffer buffer = ReadPage(index, block, PageKind::kNodes, BUFFER_LOCK_SHARE);
    const size_t part = Min(sizeof header - done, static_cast<size_t>(kUsable - offset));
    memcpy(reinterpret_cast<uint8_t*>(&header) + done, Usable(BufferGetPage(buffer)) + offset, part);
    UnlockReleaseBuffer(buffer);
    done += part, offset = 0;
  }
  return header;
}

NodeId FindNode(Index& index, Buffer allocation, bool upper) {
  const uint32_t slots = index.meta.blocks_per_group;
  const auto area = [&]() -> const Area& {
    const Allocation& at = As<Allocation>(BufferGetPage(allocation));
    return upper ? at.upper : at.nodes;
  };
  bool waiting = false;
  if (area().current != kNoBlock) {
    const uint32_t slot = FindInGroup(index, area().current, area().next_slot, &waiting);
    if (slot < slots) return area().current * slots + slot;
  }
  // Groups were closed in the order of the list: behind one that has to wait all have to. One may have come into it
  // when its slots were in use again already, and must not stop the others.
  for (waiting = false; area().first_free != kNoBlock && !waiting;) {
    const uint32_t slot = FindInGroup(index, area().first_free, 0, &waiting);
    if (slot == slots && waiting) break;
    PopFree(index, allocation, PageKind::kNodes, upper);
    if (slot < slots) return area().current * slots + slot;
  }
  return NewGroup(index, allocation, upper) * slots;
}

FreeRow FindRow(Index& index, Buffer allocation, uint32_t slots) {
  const auto area = [&]() -> const Area& { return As<Allocation>(BufferGetPage(allocation)).rows; };
  const uint32_t none = index.rows_per_page;
  bool waiting = false;
  uint32_t ordinal = 0, slot = none;
  if (area().current != kNoBlock)
    slot = FindInRowPage(index, area().current, area().next_slot, slots, &ordinal, &waiting);
  // As in FindNode. A page with single slots alone is given up when two are wanted, until vacuum closes rows in it
  // again.
  for (waiting = false; slot == none && area().first_free != kNoBlock && !waiting;) {
    slot = FindInRowPage(index, area().first_free, 0, slots, &ordinal, &waiting);
    if (slot < none || !waiting) PopFree(index, allocation, PageKind::kRows, false);
  }
  if (slot == none) {
    NewRowPage(index, allocation);
    ordinal = area().count - 1, slot = 0;
  }
  return {area().current, slot, ordinal * index.rows_per_page + slot};
}

void Recycle(Index& index, BlockNumber block, PageKind kind) {
  const Buffer allocation = ReadPage(index, kAllocationBlock, PageKind::kAllocation, BUFFER_LOCK_EXCLUSIVE);
  const Buffer buffer = ReadPage(index, block, kind, BUFFER_LOCK_EXCLUSIVE);
  const bool upper = kind == PageKind::kNodes && (Tail(BufferGetPage(buffer)).position & kUpperLevels);
  const Allocation& now = As<Allocation>(BufferGetPage(allocation));
  const Area& area = kind == PageKind::kRows ? now.rows : upper ? now.upper : now.nodes;
  if (Tail(BufferGetPage(buffer)).next != 0 || area.current == block) {
    UnlockReleaseBuffer(buffer);
    UnlockReleaseBuffer(allocation);
    return;
  }
  PageChange change(index);
  Allocation& to = As<Allocation>(change.Add(allocation));
  Area& list = kind == PageKind::kRows ? to.rows : upper ? to.upper : to.nodes;
  Tail(change.Add(buffer)).next = kNoBlock;
  if (list.last_free == kNoBlock)
    list.first_free = block;
  else if (list.last_free != block)
    Tail(change.Add(ReadPage(index, list.last_free, kind, BUFFER_LOCK_EXCLUSIVE))).next = block;
  list.last_free = block;
  change.Finish();
}

}  // namespace medvec::index
