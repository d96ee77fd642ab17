#include "index/rows.hpp"

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

void RowMap::Load(uint32_t ordinal) {
  if (ordinal < directory_.count) return;
  if (directory_.blocks != nullptr) pfree(directory_.blocks);
  directory_ = ReadRowDirectory(index_);
  if (ordinal >= directory_.count) RaiseCorrupted(index_.relation, kAllocationBlock, "a row is beyond the directory");
}

Buffer RowMap::Lock(uint32_t row, int mode) {
  const uint32_t ordinal = row / index_.rows_per_page;
  Load(ordinal);
  const Buffer buffer = ReadPage(index_, directory_.blocks[ordinal], PageKind::kRows, mode);
  if (Tail(BufferGetPage(buffer)).ordinal != ordinal)
    RaiseCorrupted(index_.relation, directory_.blocks[ordinal], "the row page has another place in the directory");
  return buffer;
}

void RowMap::Collect(uint32_t row, uint32_t node, const hnsw::Memory& memory, hnsw::Array<ItemPointerData>* tuples) {
  uint64 steps = 0;
  while (row != kNoRow) {
    CHECK_FOR_INTERRUPTS();
    const Buffer buffer = Lock(row, BUFFER_LOCK_SHARE);
    const Page page = BufferGetPage(buffer);
    if (++steps > uint64{directory_.count} * index_.rows_per_page)
      RaiseCorrupted(index_.relation, BufferGetBlockNumber(buffer), "the rows of a node form a circle");
    const uint32_t slot = Slot(row);
    const Row entry = RowAt(index_, page, slot);
    if (entry.is_tuple() && entry.node() == node) tuples->Append(memory, entry.tuple());
    row = kNoRow;
    if (slot + 1 < index_.rows_per_page) {
      const Row link = RowAt(index_, page, slot + 1);
      if (link.state() == kLinkRow) row = link.next();
    }
    UnlockReleaseBuffer(buffer);
  }
}

}  // namespace medvec::index
