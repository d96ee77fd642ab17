#include "index/diagnostics/checker.hpp"

namespace medvec::index {

namespace {

// Why the page is not to be trusted; null: it is sound. `page` is locked.
const char* Fault(const Index& index, BlockNumber block, Page page) {
  const PageHeaderData& header = *reinterpret_cast<const PageHeaderData*>(page);
  if (PageGetSpecialSize(page) != sizeof(PageTail) || Tail(page).page_id != kMagic)
    return "the page is none of an hnsw index";
  if (header.pd_lower < kPageHeader || header.pd_lower > header.pd_upper || header.pd_upper > header.pd_special)
    return "the page's bounds contradict each other";
  const PageTail& tail = Tail(page);
  const PageKind kind = static_cast<PageKind>(tail.kind);
  const bool placed = block == kMetaBlock         ? kind == PageKind::kMeta
                      : block == kAllocationBlock ? kind == PageKind::kAllocation
                      : block < kCentreBlock + index.meta.centre_pages
                          ? kind == PageKind::kCentre && tail.position == block - kCentreBlock
                          : kind >= PageKind::kNodes && kind <= PageKind::kCodes;
  if (!placed) return "the page is of a kind that does not belong here";
  if (kind == PageKind::kNodes && (tail.position & ~kUpperLevels) >= index.meta.pages_per_group)
    return "the page has an impossible position in its group";
  return nullptr;
}

bool IsZero(const char* from, const char* to) {
  for (; from < to; ++from)
    if (*from != 0) return false;
  return true;
}

void ReadPages(Checker& checker) {
  for (BlockNumber block = 0; block < checker.blocks; ++block) {
    CHECK_FOR_INTERRUPTS();
    const Buffer buffer = ReadBuffer(checker.target.index, block);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const Page page = BufferGetPage(buffer);
    const char* fault = nullptr;
    bool clean = true;
    if (PageIsNew(page)) {
      if (block < kCentreBlock + checker.index.meta.centre_pages) fault = "the page is empty";
    } else {
      fault = Fault(checker.index, block, page);
      if (fault == nullptr) {
        const PageHeaderData& header = *reinterpret_cast<const PageHeaderData*>(page);
        const PageTail& tail = Tail(page);
        clean = IsZero(page + header.pd_lower, page + header.pd_upper);
        checker.pages[block] = {
            static_cast<uint8_t>(tail.kind), false, false, false, tail.position, tail.next, tail.ordinal};
      }
    }
    UnlockReleaseBuffer(buffer);
    if (fault != nullptr) checker.Report(block, kNoNode, "%s", fault);
    if (!clean) checker.Report(block, kNoNode, "bytes that the page does not count as used are not zero");
  }
}

// Neighbouring pages of one kind make a group. One that is not whole was never finished, and holds no block.
void FindGroups(Checker& checker) {
  for (BlockNumber block = 0; block < checker.blocks; ++block) {
    if (!checker.IsKind(block, PageKind::kNodes)) continue;
    PageState& first = checker.pages[block];
    const uint32_t at = first.position & ~kUpperLevels;
    if (at > 0) {
      if (!checker.IsKind(block - 1, PageKind::kNodes) || checker.pages[block - 1].position + 1 != first.position)
        checker.Report(block, kNoNode, "the page before it is not of its group");
      continue;
    }
    uint32_t found = 1;
    while (found < checker.index.meta.pages_per_group && checker.IsKind(block + found, PageKind::kNodes) &&
           checker.pages[block + found].position == first.position + found)
      ++found;
    first.whole = found == checker.index.meta.pages_per_group;
  }
}

void CheckMetaPage(Checker& checker) {
  Buffer buffer = ReadBuffer(checker.target.index, kMetaBlock);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  Meta meta = As<Meta>(BufferGetPage(buffer));
  UnlockReleaseBuffer(buffer);
  checker.entry = {meta.entry, static_cast<int>(meta.entry_level)};
  const Meta& known = checker.index.meta;
  meta.entry = known.entry, meta.entry_level = known.entry_level;
  if (memcmp(&meta, &known, sizeof meta) != 0)
    checker.Report(kMetaBlock, kNoNode, "the metapage is not what it was when this session first read it");
  if (known.metric != static_cast<uint8_t>(checker.index.operators.metric))
    checker.Report(kMetaBlock, kNoNode, "the metapage has another metric than the operator class");
  if (known.dim != ColumnDimensions(checker.target.index))
    checker.Report(kMetaBlock, kNoNode, "the metapage has another dimension than the column");
}

// Reads a directory and marks the pages it names. Entries that name no such page become kNoBlock.
bool HasCodePages(const Checker& checker, BlockNumber row_page) {
  for (uint32_t i = 1; i <= checker.index.rows.code_pages; ++i)
    if (!checker.IsKind(row_page + i, PageKind::kCodes) || checker.pages[row_page + i].position != i) return false;
  return true;
}

Directory CheckDirectory(Checker& checker, const Allocation& allocation, bool rows) {
  const uint32_t most = rows ? kRowDirectories : kUpperDirectories;
  uint32_t count = rows ? allocation.rows.count : allocation.upper.count;
  if (count > most * kDirectoryEntries || count > checker.blocks) {
    checker.Report(kAllocationBlock, kNoNode, "it counts more %s than there can be", rows ? "row pages" : "groups");
    count = 0;
  }
  BlockNumber* blocks = static_cast<BlockNumber*>(
      MemoryContextAllocHuge(CurrentMemoryContext, sizeof(BlockNumber) * (size_t{count} + 1)));
  memset(blocks, 0xff, sizeof(BlockNumber) * count);
  for (uint32_t from = 0; from < count; from += kDirectoryEntries) {
    CHECK_FOR_INTERRUPTS();
    const uint32_t ordinal = from / kDirectoryEntries;
    const BlockNumber block = rows ? allocation.row_directory[ordinal] : allocation.upper_directory[ordinal];
    if (!checker.IsKind(block, PageKind::kDirectory) || checker.pages[block].ordinal != ordinal ||
        checker.pages[block].named) {
      checker.Report(kAllocationBlock, kNoNode, "directory %u is not where it says", ordinal);
      continue;
    }
    checker.pages[block].named = true;
    const Buffer buffer = ReadPage(checker.index, block, PageKind::kDirectory, BUFFER_LOCK_SHARE);
    memcpy(blocks + from, Usable(BufferGetPage(buffer)), sizeof(BlockNumber) * Min(count - from, kDirectoryEntries));
    UnlockReleaseBuffer(buffer);
    for (uint32_t i = from; i < Min(count, from + kDirectoryEntries); ++i) {
      const bool sound = rows ? checker.IsKind(blocks[i], PageKind::kRows) && checker.pages[blocks[i]].ordinal == i &&
                                    HasCodePages(checker, blocks[i])
                              : checker.IsKind(blocks[i], PageKind::kNodes) &&
                                    checker.pages[blocks[i]].position == kUpperLevels && checker.pages[blocks[i]].whole;
      if (sound && !checker.pages[blocks[i]].named) {
        checker.pages[blocks[i]].named = true;
        continue;
      }
      checker.Report(block, kNoNode, "entry %u of the directory names no %s of this place", i - from,
                     rows ? "row page" : "group");
      blocks[i] = kNoBlock;
    }
  }
  return {blocks, count};
}

void CheckArea(Checker& checker, const Area& area, PageKind kind, uint16_t position, uint32_t slots, const char* name) {
  const auto holds = [&](BlockNumber block) {
    return checker.IsKind(block, kind) &&
           (kind == PageKind::kRows || (checker.pages[block].position == position && checker.pages[block].whole));
  };
  if (area.current != kNoBlock && !holds(area.current))
    checker.Report(kAllocationBlock, kNoNode, "slots of %s are taken from a page that has none", name);
  if (area.next_slot > slots) checker.Report(kAllocationBlock, kNoNode, "the next slot of %s is impossible", name);
  BlockNumber last = kNoBlock;
  for (BlockNumber block = area.first_free; block != kNoBlock; block = checker.pages[block].next) {
    CHECK_FOR_INTERRUPTS();
    if (!holds(block) || checker.pages[block].next == 0 || checker.pages[block].in_list || block == area.current) {
      checker.Report(last == kNoBlock ? kAllocationBlock : last, kNoNode,
                     "the free list of %s leads to a page that is not in it", name);
      return;
    }
    checker.pages[block].in_list = true;
    last = block;
  }
  if (last != area.last_free) checker.Report(kAllocationBlock, kNoNode, "the free list of %s has another end", name);
}

// What was to be named, and is not.
void FindStrays(Checker& checker) {
  for (BlockNumber block = 0; block < checker.blocks; ++block) {
    const PageState& page = checker.pages[block];
    const PageKind kind = static_cast<PageKind>(page.kind);
    if ((kind == PageKind::kRows || kind == PageKind::kDirectory) && !page.named)
      checker.Report(block, kNoNode, "no directory names the page");
    if (page.kind != 0 && page.next != 0 && !page.in_list)
      checker.Report(block, kNoNode, "the page says that it is in a free list, and is not");
  }
}

}  // namespace

void CheckPages(Checker& checker) {
  const Meta& meta = checker.index.meta;
  checker.blocks = RelationGetNumberOfBlocks(checker.target.index);
  checker.pages = static_cast<PageState*>(MemoryContextAllocExtended(
      CurrentMemoryContext, sizeof(PageState) * (size_t{checker.blocks} + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
  checker.addresses = Min(uint64{checker.blocks} * meta.blocks_per_group, uint64{kNoNode});
  checker.nodes = static_cast<uint8_t*>(MemoryContextAllocExtended(
      CurrentMemoryContext, static_cast<Size>(checker.addresses + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
  ReadPages(checker);
  FindGroups(checker);
  if (checker.IsKind(kMetaBlock, PageKind::kMeta)) CheckMetaPage(checker);
  if (checker.IsKind(kAllocationBlock, PageKind::kAllocation)) {
    Allocation* allocation = static_cast<Allocation*>(palloc(sizeof(Allocation)));
    const Buffer buffer = ReadPage(checker.index, kAllocationBlock, PageKind::kAllocation, BUFFER_LOCK_SHARE);
    *allocation = As<Allocation>(BufferGetPage(buffer));
    UnlockReleaseBuffer(buffer);
    checker.rows = CheckDirectory(checker, *allocation, true);
    CheckDirectory(checker, *allocation, false);
    CheckArea(checker, allocation->nodes, PageKind::kNodes, 0, meta.blocks_per_group, "level 0");
    CheckArea(checker, allocation->upper, PageKind::kNodes, kUpperLevels, meta.blocks_per_group, "upper levels");
    CheckArea(checker, allocation->rows, PageKind::kRows, 0, checker.index.rows_per_page, "rows");
    FindStrays(checker);
    pfree(allocation);
  }
  checker.chained = static_cast<uint64_t*>(MemoryContextAllocExtended(
      CurrentMemoryContext, static_cast<Size>(checker.row_count() / 64 + 1) * 8, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
}

}  // namespace medvec::index
