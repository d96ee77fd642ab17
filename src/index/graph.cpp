#include "index/graph.hpp"

#include "core/stop_point.hpp"
#include "index/allocation.hpp"
#include "index/rows.hpp"

namespace medvec::index {

void SharedEntryLock::Init() {
  SpinLockInit(&mutex_);
  held_ = false;
  ConditionVariableInit(&released_);
}

void SharedEntryLock::Acquire() {
  ConditionVariablePrepareToSleep(&released_);
  for (;;) {
    SpinLockAcquire(&mutex_);
    const bool taken = !held_;
    held_ = true;
    SpinLockRelease(&mutex_);
    if (taken) break;
    ConditionVariableSleep(&released_, PG_WAIT_EXTENSION);
  }
  ConditionVariableCancelSleep();
}

void SharedEntryLock::Release() {
  SpinLockAcquire(&mutex_);
  held_ = false;
  SpinLockRelease(&mutex_);
  ConditionVariableBroadcast(&released_);
}

PageGraph::PageGraph(Index& index) : index_(index), encoder_(index) {
  const uint32_t most = (index.meta.block_size + kUsable - 1) / kUsable + 1;
  buffers_ = static_cast<Buffer*>(palloc(sizeof(Buffer) * most));
  copy_ = static_cast<uint8_t*>(MemoryContextAllocHuge(CurrentMemoryContext, index.meta.block_size + 64));
  ItemPointerSetInvalid(&tuple_);
  map_ = BufferMap::For(index.relation, index.blocks);
}

Entry PageGraph::GetEntry() {
  const Buffer buffer = ReadPage(index_, kMetaBlock, PageKind::kMeta, BUFFER_LOCK_SHARE);
  const Meta& meta = As<Meta>(BufferGetPage(buffer));
  const Entry entry{meta.entry, static_cast<int>(meta.entry_level)};
  const bool sound =
      meta.magic == kMagic && meta.version == kFormatVersion && meta.block_size == index_.meta.block_size;
  UnlockReleaseBuffer(buffer);
  if (!sound || entry.level > UINT8_MAX) RaiseCorrupted(index_.relation, kMetaBlock, "it is no metapage");
  return entry;
}

Buffer PageGraph::Pin(BlockNumber block) {
  ++reads_;
  return BufferMap::Pin(&map_, index_, block);
}

void PageGraph::Lock(const Place& place, int mode) {
  for (uint32_t i = 0; i < place.pages; ++i) buffers_[i] = Pin(place.first + i);
  for (uint32_t i = 0; i < place.pages; ++i) {
    LockBuffer(buffers_[i], mode);
    CheckPage(index_.relation, buffers_[i], PageKind::kNodes);
    if (unlikely((Tail(BufferGetPage(buffers_[i])).position & ~kUpperLevels) != place.position + i))
      RaiseCorrupted(index_.relation, place.first + i, "a link leads to no block");
  }
}

void PageGraph::CopyOut(const Place& place, uint8_t* to) const {
  uint32_t offset = place.offset;
  size_t left = index_.meta.block_size;
  for (uint32_t i = 0; i < place.pages; ++i) {
    const size_t part = Min(left, static_cast<size_t>(kUsable - offset));
    memcpy(to, Usable(BufferGetPage(buffers_[i])) + offset, part);
    to += part, left -= part, offset = 0;
  }
}

void PageGraph::CheckWritten(NodeId node, const uint8_t* block) const {
  if (unlikely(!(hnsw::Header(block).flags & hnsw::kWritten)))
    RaiseCorrupted(index_.relation, PlaceOf(index_, node).first, "a link leads to an empty slot");
}

const uint8_t* PageGraph::Read(NodeId node) {
  const uint8_t* block = ReadSlot(node);
  CheckWritten(node, block);
  return block;
}

const uint8_t* PageGraph::ReadSlot(NodeId node) {
  const Place place = PlaceOf(index_, node);
  Lock(place, BUFFER_LOCK_SHARE);
  const uint8_t* block;
  holds_ = place.pages == 1;
  if (holds_) {
    block = Usable(BufferGetPage(buffers_[0])) + place.offset;
  } else {
    CopyOut(place, copy_);
    for (uint32_t i = 0; i < place.pages; ++i) UnlockReleaseBuffer(buffers_[i]);
    block = copy_;
  }
  return block;
}

void PageGraph::Release(NodeId) {
  LetGo();
  CHECK_FOR_INTERRUPTS();
}

void PageGraph::LetGo() {
  if (holds_) UnlockReleaseBuffer(buffers_[0]);
  holds_ = false;
}

void PageGraph::Prefetch(NodeId node) {
  if (map_ == nullptr) return;
  const Place place = PlaceOf(index_, node);
  size_t left = index_.meta.block_size;
  uint32_t offset = place.offset;
  for (uint32_t i = 0; i < place.pages; ++i) {
    const size_t part = Min(left, static_cast<size_t>(kUsable - offset));
    Touch(BufferMap::Guess(map_, index_, place.first + i), kPageHeader + offset, part);
    left -= part, offset = 0;
  }
}

uint8_t* PageGraph::Write(NodeId node) {
  const Place place = PlaceOf(index_, node);
  if (index_.logged && place.pages == 1) state_ = GenericXLogStart(index_.relation);
  Lock(place, BUFFER_LOCK_EXCLUSIVE);
  if (place.pages == 1) {
    const Page page = index_.logged ? GenericXLogRegisterBuffer(state_, buffers_[0], 0) : BufferGetPage(buffers_[0]);
    image_ = Usable(page) + place.offset;
  } else {
    CopyOut(place, copy_);
    image_ = copy_;
  }
  CheckWritten(node, image_);
  return image_;
}

void PageGraph::Commit(NodeId node, bool changed) {
  const Place place = PlaceOf(index_, node);
  if (place.pages > 1) {
    CommitLong(place, changed);
  } else {
    if (!index_.logged) {
      if (changed) MarkBufferDirty(buffers_[0]);
    } else if (changed) {
      GenericXLogFinish(state_);
    } else {
      GenericXLogAbort(state_);
    }
    UnlockReleaseBuffer(buffers_[0]);
  }
  CHECK_FOR_INTERRUPTS();
}

// Writes the changed pages of a block that spans several: readers wait for all. What one WAL record does not hold goes
// into several, the codes before the links: after a crash in between, some links that were to be dropped have codes of
// others.
void PageGraph::CommitLong(const Place& place, bool changed) {
  const auto part_of = [&](uint32_t i) {
    const uint32_t offset = i == 0 ? place.offset : 0, before = i == 0 ? 0 : i * kUsable - place.offset;
    return Part{before, offset, Min(index_.meta.block_size - before, kUsable - offset)};
  };
  const auto differs = [&](uint32_t i) {
    const Part part = part_of(i);
    return memcmp(Usable(BufferGetPage(buffers_[i])) + part.offset, copy_ + part.before, part.size) != 0;
  };
  uint32_t count = 0;
  for (uint32_t i = 0; i < place.pages && changed; ++i) count += differs(i);
  // Pages `from` to `to` in as many records as it takes. Replay locks a record's pages in their order: ascending.
  const auto write = [&](uint32_t from, uint32_t to) {
    GenericXLogState* state = nullptr;
    int registered = 0;
    for (uint32_t i = from; i < to; ++i) {
      if (!differs(i)) continue;
      const Part part = part_of(i);
      if (!index_.logged) {
        memcpy(Usable(BufferGetPage(buffers_[i])) + part.offset, copy_ + part.before, part.size);
        MarkBufferDirty(buffers_[i]);
        continue;
      }
      if (state == nullptr) state = GenericXLogStart(index_.relation);
      memcpy(Usable(GenericXLogRegisterBuffer(state, buffers_[i], 0)) + part.offset, copy_ + part.before, part.size);
      if (++registered == MAX_GENERIC_XLOG_PAGES) {
        GenericXLogFinish(state);
        state = nullptr, registered = 0;
      }
    }
    if (state != nullptr) GenericXLogFinish(state);
  };
  constexpr uint32_t kLinkPages = 2;  // header, links and norms are shorter than a page
  if (count > MAX_GENERIC_XLOG_PAGES) {
    write(kLinkPages, place.pages);
    write(0, kLinkPages);
  } else if (count > 0) {
    write(0, place.pages);
  }
  for (uint32_t i = 0; i < place.pages; ++i) UnlockReleaseBuffer(buffers_[i]);
}

namespace {

// Writes the first `size` bytes of a block into its pages; page(i) is the i-th.
template <class PageAt>
void CopyIn(const Place& place, const uint8_t* block, uint32_t size, PageAt page) {
  uint32_t offset = place.offset;
  for (uint32_t i = 0; i < place.pages; ++i) {
    const uint32_t part = Min(size, kUsable - offset);
    memcpy(Usable(page(i)) + offset, block, part);
    RaiseUsed(page(i), offset + part);
    block += part, size -= part, offset = 0;
  }
}

}  // namespace

void PageGraph::EndInsertion() {
  if (!holds_interrupts_) return;
  holds_interrupts_ = false;
  RESUME_INTERRUPTS();
  CHECK_FOR_INTERRUPTS();
}

NodeId PageGraph::Append(const uint8_t* block, int level) {
  if (index_.logged && !holds_interrupts_) {
    HOLD_INTERRUPTS();  // an error resets it
    holds_interrupts_ = true;
  }
  const bool upper = level > 0;
  const Buffer allocation = ReadPage(index_, kAllocationBlock, PageKind::kAllocation, BUFFER_LOCK_EXCLUSIVE);
  const NodeId node = FindNode(index_, allocation, upper);
  const FreeRow row = upper ? FreeRow{InvalidBlockNumber, 0, kNoRow} : FindRow(index_, allocation, 1);
  const Place place = PlaceOf(index_, node);

  // copy_ is free: nothing is read at the moment.
  memcpy(copy_, block, index_.geometry().block_size);
  memset(copy_ + index_.geometry().block_size, 0, index_.meta.block_size - index_.geometry().block_size);
  hnsw::BlockHeader& header = hnsw::Header(copy_);
  header.flags = hnsw::kWritten;
  if (!upper) {
    header.target = row.number;
    memset(header.origin, 0, sizeof header.origin);
    memcpy(header.origin, &tuple_, sizeof tuple_);
    memcpy(copy_ + index_.geometry().block_size, keys_, index_.key_bytes());
  }

  if (!upper) WriteCode(row.block, row.slot, copy_);
  const bool together = place.pages <= 2;  // block, row and allocation fit into one record
  PageChange change(index_);
  const Page allocation_page = together ? change.Add(allocation) : change.AddHeld(allocation);
  TakeNode(index_, allocation_page, node, upper);
  if (together) {
    Page pages[2];
    for (uint32_t i = 0; i < place.pages; ++i)
      pages[i] = change.Add(ReadPage(index_, place.first + i, PageKind::kNodes, BUFFER_LOCK_EXCLUSIVE));
    CopyIn(place, copy_, index_.meta.block_size, [&](uint32_t i) { return pages[i]; });
  }
  if (!upper) {
    const Page page = change.Add(ReadPage(index_, row.block, PageKind::kRows, BUFFER_LOCK_EXCLUSIVE));
    WriteRow(RowPage(index_, page), row.slot, tuple_, node, keys_);
    TakeRow(allocation_page, row, 1);
  }
  change.Finish();
  // A row whose block was never written is found by vacuum: its heap tuple is that of a failed transaction. Until it is
  // written the slot looks free, so nobody else may look for one.
  if (!together) {
    MEDVEC_STOP_POINT("append-long");
    WriteLong(place);
    UnlockReleaseBuffer(allocation);
  }
  return node;
}

// Writes the new block in copy_ from its last pages to its first, which makes it one.
void PageGraph::WriteLong(const Place& place) {
  uint32_t size = index_.meta.block_size;
  for (uint32_t i = place.pages; i-- > 0;) {
    const uint32_t before = i == 0 ? 0 : (kUsable - place.offset) + (i - 1) * kUsable;
    PageChange change(index_);
    const Page page = change.Add(ReadPage(index_, place.first + i, PageKind::kNodes, BUFFER_LOCK_EXCLUSIVE));
    const uint32_t offset = i == 0 ? place.offset : 0;
    memcpy(Usable(page) + offset, copy_ + before, size - before);
    RaiseUsed(page, offset + size - before);
    change.Finish();
    size = before;
  }
}

// Of a row that is not there yet, whose slot only we may take.
void PageGraph::WriteCode(BlockNumber row_page, uint32_t slot, const uint8_t* block) {
  if (!index_.has_row_codes()) return;
  const CodePlace place = CodePlaceOf(index_, row_page, slot);
  PageChange change(index_);
  const Page page = change.Add(ReadPage(index_, place.block, PageKind::kCodes, BUFFER_LOCK_EXCLUSIVE));
  encoder_.Encode(hnsw::OwnVector(index_.geometry(), block), Usable(page) + place.offset);
  RaiseUsed(page, place.offset + index_.rows.code_size);
  change.Finish();
}

bool PageGraph::AddRow(NodeId node, float error) {
  const Buffer allocation = ReadPage(index_, kAllocationBlock, PageKind::kAllocation, BUFFER_LOCK_EXCLUSIVE);
  const FreeRow row = FindRow(index_, allocation, 2);
  Place place = PlaceOf(index_, node);
  Lock(place, BUFFER_LOCK_EXCLUSIVE);
  CopyOut(place, copy_);
  hnsw::BlockHeader& header = hnsw::Header(copy_);
  if ((header.flags & hnsw::kDead) || !(header.flags & hnsw::kWritten)) {
    for (uint32_t i = 0; i < place.pages; ++i) UnlockReleaseBuffer(buffers_[i]);
    UnlockReleaseBuffer(allocation);
    return false;
  }
  WriteCode(row.block, row.slot, copy_);
  const uint32_t older = header.target;
  header.target = row.number;
  header.flags = static_cast<uint8_t>((header.flags | hnsw::kShared) & ~hnsw::kHidden);
  header.error = Max(header.error, error);

  // The header lies in the first page, or in the first two.
  const uint32_t header_pages = place.offset + sizeof header > kUsable ? 2 : 1;
  PageChange change(index_);
  const Page allocation_page = change.Add(allocation);
  TakeRow(allocation_page, row, 2);
  Page pages[2];
  for (uint32_t i = 0; i < header_pages; ++i) pages[i] = change.Add(buffers_[i]);
  place.pages = Min(place.pages, header_pages);
  CopyIn(place, copy_, sizeof header, [&](uint32_t i) { return pages[i]; });
  const RowPage row_page(index_, change.Add(ReadPage(index_, row.block, PageKind::kRows, BUFFER_LOCK_EXCLUSIVE)));
  WriteRow(row_page, row.slot, tuple_, node, keys_);
  WriteLink(row_page, row.slot + 1, older);
  change.Finish();
  for (uint32_t i = header_pages; i < PlaceOf(index_, node).pages; ++i) UnlockReleaseBuffer(buffers_[i]);
  return true;
}

void PageGraph::Hide(NodeId node, uint32_t row, const ItemPointerData& tuple) {
  if (wal_consistency_checking[RM_GENERIC_ID]) return;  // which knows no hints in such pages
  const Place place = PlaceOf(index_, node);
  if (place.offset + sizeof(hnsw::BlockHeader) > kUsable) return;  // not worth the trouble
  const Buffer buffer = ReadPage(index_, place.first, PageKind::kNodes, BUFFER_LOCK_SHARE);
  hnsw::BlockHeader& header = hnsw::Header(Usable(BufferGetPage(buffer)) + place.offset);
  constexpr uint8_t kOther = hnsw::kDead | hnsw::kShared | hnsw::kHidden;
  ItemPointerData now = OriginTuple(header.origin);
  if ((header.flags & hnsw::kWritten) && !(header.flags & kOther) && header.target == row &&
      ItemPointerEquals(&now, const_cast<ItemPointer>(&tuple))) {
    header.flags |= hnsw::kHidden;
    MarkBufferDirtyHint(buffer, true);
  }
  UnlockReleaseBuffer(buffer);
}

void PageGraph::LockEntry() {
  if (entry_lock_ != nullptr)
    entry_lock_->Acquire();
  else if (index_.logged)
    LockPage(index_.relation, kMetaBlock, ExclusiveLock);
}

void PageGraph::UnlockEntry() {
  if (entry_lock_ != nullptr)
    entry_lock_->Release();
  else if (index_.logged)
    UnlockPage(index_.relation, kMetaBlock, ExclusiveLock);
}

void PageGraph::ReplaceEntry(Entry entry) {
  PageChange change(index_);
  Meta& meta = As<Meta>(change.Add(ReadPage(index_, kMetaBlock, PageKind::kMeta, BUFFER_LOCK_EXCLUSIVE)));
  meta.entry = entry.node;
  meta.entry_level = static_cast<uint32_t>(entry.level);
  change.Finish();
}

}  // namespace medvec::index
