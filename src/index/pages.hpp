// Access to pages: reading one with its kind checked, and changing up to four as one WAL record.
#pragma once

#include "index/index.hpp"

namespace medvec::index {

inline uint8_t* Usable(Page page) { return reinterpret_cast<uint8_t*>(page) + kPageHeader; }
inline PageTail& Tail(Page page) { return *reinterpret_cast<PageTail*>(PageGetSpecialPointer(page)); }
template <class T>
T& As(Page page) {
  return *reinterpret_cast<T*>(Usable(page));
}

void InitPage(Page page, PageKind kind);
// Says how many usable bytes hold something: the rest is zeros, and left out of full page images.
inline void SetUsed(Page page, uint32_t bytes) {
  reinterpret_cast<PageHeader>(page)->pd_lower = static_cast<LocationIndex>(kPageHeader + bytes);
}
inline void RaiseUsed(Page page, uint32_t bytes) {
  if (reinterpret_cast<PageHeader>(page)->pd_lower < kPageHeader + bytes) SetUsed(page, bytes);
}

// Errors out unless the page is one of ours of that kind.
void CheckPage(Relation relation, Buffer buffer, PageKind kind);
// Errors out unless the index has this block.
void CheckBlock(Index& index, BlockNumber block);
// Pins, locks (BUFFER_LOCK_SHARE or _EXCLUSIVE) and checks.
Buffer ReadPage(Index& index, BlockNumber block, PageKind kind, int mode);

// Whether a block is the first of a node group, of level 0 or (*upper) above; for who reads the file in order. Other
// pages, and those that are new because the file has just grown or a crash came before their first record, are not.
bool IsGroup(Relation relation, BlockNumber block, bool* upper);

// A change of pages, atomic in the WAL. An error before Finish changes nothing (but where nothing is logged, in a
// build, whose index is then dropped).
//
//   PageChange change(index);
//   Page page = change.Add(buffer);        // pinned, and locked exclusively
//   ...
//   change.Finish();                       // or Abandon: both unlock and unpin all buffers that were added
class PageChange {
 public:
  static constexpr int kMaxPages = MAX_GENERIC_XLOG_PAGES;

  explicit PageChange(const Index& index)
      : relation_(index.relation), state_(index.logged ? GenericXLogStart(index.relation) : nullptr) {}

  // `fresh`: a page that had nothing on it.
  Page Add(Buffer buffer, bool fresh = false);
  // The buffer stays pinned and locked at the end: it is in a further change to come.
  Page AddHeld(Buffer buffer) {
    held_ = count_;
    return Add(buffer);
  }
  Page AddNew(Buffer buffer, PageKind kind) {
    Page page = Add(buffer, true);
    InitPage(page, kind);
    return page;
  }
  void Finish();
  void Abandon();

 private:
  void Release();

  Relation relation_;
  GenericXLogState* state_;
  Buffer buffers_[kMaxPages];
  int count_ = 0, held_ = -1;
};

// Adds `count` neighbouring pages to the index; nobody else has seen them. Returns the first; they are zeros.
BlockNumber Extend(Relation relation, uint32_t count);

}  // namespace medvec::index
