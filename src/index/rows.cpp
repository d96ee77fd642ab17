#include "index/rows.hpp"

#include "index/allocation.hpp"

namespace medvec::index {

namespace {

// Entries of a directory whose pages the allocation page names.
Directory ReadDirectory(Index& index, bool rows) {
  const Buffer buffer = ReadPage(index, kAllocationBlock, PageKind::kAllocation, BUFFER_LOCK_SHARE);
  const Allocation& allocation = As<Allocation>(BufferGetPage(buffer));
  const uint32_t count = rows ? allocation.rows.count : allocation.upper.count;
  const uint32_t pages = (count + kDirectoryEntries - 1) / kDirectoryEntries;
  if (pages > (rows ? kRowDirectories : kUpperDirectories))
    RaiseCorrupted(index.relation, kAllocationBlock, "its counts are impossible");
  uint32_t* blocks = static_cast<uint32_t*>(palloc(sizeof(uint32_t) * (pages + 1)));
  memcpy(blocks, rows ? allocation.row_directory : allocation.upper_directory, sizeof(uint32_t) * pages);
  UnlockReleaseBuffer(buffer);

  Directory directory{static_cast<BlockNumber*>(
                          MemoryContextAllocHuge(CurrentMemoryContext, sizeof(BlockNumber) * (size_t{count} + 1))),
                      count};
  for (uint32_t i = 0; i < pages; ++i) {
    const Buffer page = ReadPage(index, blocks[i], PageKind::kDirectory, BUFFER_LOCK_SHARE);
    const uint32_t from = i * kDirectoryEntries;
    memcpy(directory.blocks + from, Usable(BufferGetPage(page)),
           sizeof(BlockNumber) * Min(count - from, kDirectoryEntries));
    UnlockReleaseBuffer(page);
  }
  pfree(blocks);
  return directory;
}

}  // namespace

Directory ReadRowDirectory(Index& index) { return ReadDirectory(index, true); }
Directory ReadUpperDirectory(Index& index) { return ReadDirectory(index, false); }

void RowMap::Find(uint32_t row) {
  if (Knows(row)) return;
  if (directory_.blocks != nullptr) pfree(directory_.blocks);
  directory_ = {nullptr, 0};
  const MemoryContext outer = MemoryContextSwitchTo(context_);
  directory_ = ReadRowDirectory(index_);
  MemoryContextSwitchTo(outer);
  if (!Knows(row)) RaiseCorrupted(index_.relation, kAllocationBlock, "a row is beyond the directory");
}

Buffer RowMap::Lock(uint32_t row, int mode) {
  const uint32_t ordinal = row / index_.rows_per_page;
  Find(row);
  const Buffer buffer = ReadPage(index_, directory_.blocks[ordinal], PageKind::kRows, mode);
  if (Tail(BufferGetPage(buffer)).ordinal != ordinal)
    RaiseCorrupted(index_.relation, directory_.blocks[ordinal], "the row page has another place in the directory");
  return buffer;
}

Buffer RowMap::Read(BlockNumber block, PageKind kind) {
  const Buffer buffer = BufferMap::Pin(&map_, index_, block);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  CheckPage(index_.relation, buffer, kind);
  return buffer;
}

const Directory& RowMap::directory() {
  if (directory_.blocks == nullptr) {
    const MemoryContext outer = MemoryContextSwitchTo(context_);
    directory_ = ReadRowDirectory(index_);
    MemoryContextSwitchTo(outer);
  }
  return directory_;
}

template <class Begin, class Take>
void RowMap::Follow(uint32_t row, uint32_t node, Begin begin, Take take) {
  uint64 steps = 0;
  begin();
  while (row != kNoRow) {
    CHECK_FOR_INTERRUPTS();
    const Buffer buffer = Lock(row, BUFFER_LOCK_SHARE);
    if (++steps > uint64{directory_.count} * index_.rows_per_page)
      RaiseCorrupted(index_.relation, BufferGetBlockNumber(buffer), "the rows of a node form a circle");
    const uint32_t slot = Slot(row);
    const RowPage rows(index_, BufferGetPage(buffer));
    const Row entry = rows[slot];
    bool go_on = true;
    if (entry.is_tuple() && entry.node() == node) {
      go_on = take(entry);
    } else if (entry.state() != kClosedRow) {
      // Another row by now. A standby's transactions do not keep slots from being used again: begin anew.
      UnlockReleaseBuffer(buffer);
      begin();
      const hnsw::BlockHeader header = ReadHeader(index_, node);
      if (header.flags & hnsw::kDead) return;
      row = header.target;
      continue;
    }
    row = kNoRow;
    if (go_on && slot + 1 < index_.rows_per_page) {
      const Row link = rows[slot + 1];
      if (link.state() == kLinkRow) row = link.next();
    }
    UnlockReleaseBuffer(buffer);
  }
}

void RowMap::Collect(uint32_t row, uint32_t node, const Filter& filter, const hnsw::Memory& memory,
                     hnsw::Array<FoundRow>* found) {
  const size_t before = found->size;
  Follow(
      row, node, [&] { found->size = before; },
      [&](const Row& entry) {
        const Match match = filter.Judge(entry);
        if (match != Match::kNo) found->Append(memory, {entry.tuple(), match == Match::kMaybe});
        return true;
      });
}

bool RowMap::HasMatch(uint32_t row, uint32_t node, const Filter& filter) {
  bool has = false;
  Follow(
      row, node, [] {}, [&](const Row& entry) { return !(has = filter.Judge(entry) != Match::kNo); });
  return has;
}

}  // namespace medvec::index
