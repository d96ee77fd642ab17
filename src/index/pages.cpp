#include "index/pages.hpp"

namespace medvec::index {

void InitPage(Page page, PageKind kind) {
  PageInit(page, BLCKSZ, sizeof(PageTail));
  Tail(page) = {static_cast<uint16_t>(kind), 0, 0, 0, kMagic};
  SetUsed(page, 0);
}

void CheckPage(Relation relation, Buffer buffer, PageKind kind) {
  const Page page = BufferGetPage(buffer);
  const BlockNumber block = BufferGetBlockNumber(buffer);
  if (unlikely(PageIsNew(page))) RaiseCorrupted(relation, block, "the page is empty");
  if (unlikely(PageGetSpecialSize(page) != sizeof(PageTail) || Tail(page).page_id != kMagic))
    RaiseCorrupted(relation, block, "the page is none of an hnsw index");
  if (unlikely(Tail(page).kind != static_cast<uint16_t>(kind)))
    RaiseCorrupted(relation, block, "the page is of another kind than what leads to it says");
}

void CheckBlock(Index& index, BlockNumber block) {
  if (likely(block < index.blocks)) return;
  index.blocks = RelationGetNumberOfBlocks(index.relation);
  if (block >= index.blocks) RaiseCorrupted(index.relation, block, "the file ends before it");
}

Buffer ReadPage(Index& index, BlockNumber block, PageKind kind, int mode) {
  CheckBlock(index, block);
  const Buffer buffer = ReadBuffer(index.relation, block);
  LockBuffer(buffer, mode);
  CheckPage(index.relation, buffer, kind);
  return buffer;
}

bool IsGroup(Relation relation, BlockNumber block, bool* upper) {
  const Buffer buffer = ReadBuffer(relation, block);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  const Page page = BufferGetPage(buffer);
  bool is_group = !PageIsNew(page) && PageGetSpecialSize(page) == sizeof(PageTail);
  if (is_group) {
    const PageTail& tail = Tail(page);
    is_group = tail.kind == static_cast<uint16_t>(PageKind::kNodes) && (tail.position & ~kUpperLevels) == 0;
    *upper = (tail.position & kUpperLevels) != 0;
  }
  UnlockReleaseBuffer(buffer);
  return is_group;
}

Page PageChange::Add(Buffer buffer, bool fresh) {
  buffers_[count_++] = buffer;
  if (state_ == nullptr) return BufferGetPage(buffer);
  return GenericXLogRegisterBuffer(state_, buffer, fresh ? GENERIC_XLOG_FULL_IMAGE : 0);
}

void PageChange::Finish() {
  if (state_ != nullptr) {
    GenericXLogFinish(state_);
  } else {
    for (int i = 0; i < count_; ++i) MarkBufferDirty(buffers_[i]);
  }
  Release();
}

void PageChange::Abandon() {
  if (state_ != nullptr) GenericXLogAbort(state_);
  Release();
}

void PageChange::Release() {
  for (int i = 0; i < count_; ++i)
    if (i != held_) UnlockReleaseBuffer(buffers_[i]);
  count_ = 0;
  state_ = nullptr;
}

BlockNumber Extend(Relation relation, uint32_t count) {
  // Also where the relation is new in this transaction: workers of a parallel build extend it too.
  LockRelationForExtension(relation, ExclusiveLock);
  BlockNumber first = InvalidBlockNumber;
  for (uint32_t i = 0; i < count; ++i) {
    const Buffer buffer = ReadBufferExtended(relation, MAIN_FORKNUM, P_NEW, RBM_NORMAL, nullptr);
    if (i == 0) first = BufferGetBlockNumber(buffer);
    ReleaseBuffer(buffer);
  }
  UnlockRelationForExtension(relation, ExclusiveLock);
  return first;
}

}  // namespace medvec::index
