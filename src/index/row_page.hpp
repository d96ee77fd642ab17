// A row page in place: its rows one by one, and its columns (layout.hpp).
#pragma once

#include "index/keys.hpp"
#include "index/pages.hpp"
#include "index/tid_set.hpp"

namespace medvec::index {

// A slot of a row page.
class Row {
 public:
  Row(const Index& index, uint8_t* bytes, uint32_t slot) : index_(&index), bytes_(bytes), slot_(slot) {}

  uint16_t state() const { return Get<uint16_t>(index_->rows.offsets); }
  bool is_tuple() const { return state() != 0 && state() < kClosedRow; }
  ItemPointerData tuple() const {
    ItemPointerData tuple;
    ItemPointerSet(&tuple, Get<uint32_t>(index_->rows.blocks), state());
    return tuple;
  }
  uint32_t node() const { return Get<uint32_t>(0); }
  uint32_t next() const { return Get<uint32_t>(index_->rows.blocks); }  // of a link
  FullTransactionId closed_at() const {
    return FullTransactionIdFromU64(static_cast<uint64>(node()) << 32 | Get<uint32_t>(index_->rows.blocks));
  }
  // As they stand behind a block (layout.hpp): index.key_bytes().
  void CopyKeys(uint8_t* keys) const;

  void Fill(const ItemPointerData& tuple, uint32_t node, const uint8_t* keys) const;
  void SetLink(uint32_t next) const { Set(next, kLinkRow, 0); }
  void Close(FullTransactionId now) const {
    const uint64 value = U64FromFullTransactionId(now);
    Set(static_cast<uint32_t>(value), kClosedRow, static_cast<uint32_t>(value >> 32));
  }
  void Clear() const { Set(0, 0, 0); }

 private:
  template <class T>
  T Get(uint32_t array) const {
    return ReadAs<T>(bytes_ + array + slot_ * sizeof(T));
  }
  template <class T>
  void Put(uint32_t array, T value) const {
    memcpy(bytes_ + array + slot_ * sizeof value, &value, sizeof value);
  }
  void Set(uint32_t block, uint16_t state, uint32_t node) const {
    Put(index_->rows.blocks, block), Put(index_->rows.offsets, state), Put(uint32_t{0}, node);
  }
  uint8_t* NullByte(uint32_t column) const {
    return bytes_ + index_->rows.nulls + column * index_->rows.null_bytes + slot_ / 8;
  }
  uint8_t* Value(uint32_t column) const {
    return bytes_ + index_->rows.values[column] + slot_ * index_->meta.keys[column].size;
  }

  const Index* index_;
  uint8_t* bytes_;  // the page's usable ones
  uint32_t slot_;
};

// Slots of a page, a bit for each.
class RowSet {
 public:
  // All of them.
  explicit RowSet(uint32_t slots) : size_((slots + 63) / 64) { memset(words_, 0xff, size_ * sizeof words_[0]); }

  uint32_t size() const { return size_; }  // words
  uint64_t* words() { return words_; }
  bool is_empty() const {
    uint64_t any = 0;
    for (uint32_t i = 0; i < size_; ++i) any |= words_[i];
    return any == 0;
  }
  uint32_t Count() const {
    uint32_t count = 0;
    for (uint32_t i = 0; i < size_; ++i) count += static_cast<uint32_t>(std::popcount(words_[i]));
    return count;
  }
  void Clear() { memset(words_, 0, size_ * sizeof words_[0]); }
  bool Has(uint32_t slot) const { return words_[slot / 64] >> slot % 64 & 1; }
  void Add(const RowSet& other) {
    for (uint32_t i = 0; i < size_; ++i) words_[i] |= other.words_[i];
  }
  // Takes out those for which keep(slot) is false.
  template <class Keep>
  void Select(Keep keep) {
    for (uint32_t i = 0; i < size_; ++i)
      for (uint64_t left = words_[i]; left != 0; left &= left - 1)
        if (!keep(64 * i + static_cast<uint32_t>(std::countr_zero(left)))) words_[i] ^= left & -left;
  }
  template <class Take>
  void ForEach(Take take) const {
    for (uint32_t i = 0; i < size_; ++i)
      for (uint64_t left = words_[i]; left != 0; left &= left - 1)
        take(64 * i + static_cast<uint32_t>(std::countr_zero(left)));
  }

 private:
  uint32_t size_;
  uint64_t words_[(kMostRows + 63) / 64];
};

class RowPage {
 public:
  RowPage(const Index& index, Page page) : RowPage(index, Usable(page)) {}
  // Of a copy of the page's usable bytes.
  RowPage(const Index& index, uint8_t* usable) : index_(index), bytes_(usable) {}

  uint32_t slots() const { return index_.rows.slots; }
  Row operator[](uint32_t slot) const { return {index_, bytes_, slot}; }
  // Of all slots.
  void CopyNodes(uint32_t* nodes) const { memcpy(nodes, bytes_, slots() * sizeof *nodes); }

  // Slots that hold a heap tuple.
  RowSet Tuples() const {
    RowSet set(slots());
    SelectRange(Form::kUint16, bytes_ + index_.rows.offsets, slots(), 1, kClosedRow - 1, set.words());
    return set;
  }
  // Takes out rows by a filter column: those that are NULL, or are not.
  void SelectNulls(uint32_t column, bool is_null, RowSet* set) const;
  // Takes out rows by the number of a filter column.
  void SelectNumbers(uint32_t column, Form form, Number low, Number high, RowSet* set) const {
    SelectRange(form, Value(column, 0), slots(), low, high, set->words());
  }
  // Takes out rows whose signature in a filter column has not all of some bits.
  void SelectSignatures(uint32_t column, uint64_t bits, RowSet* set) const {
    SelectBits(Value(column, 0), slots(), bits, set->words());
  }
  // Takes out rows of tuples that are not in a set.
  void SelectTuples(const TidSet& tuples, RowSet* set) const {
    tuples.Select(bytes_ + index_.rows.blocks, bytes_ + index_.rows.offsets, slots(), set->words());
  }
  const uint8_t* Value(uint32_t column, uint32_t slot) const {
    return bytes_ + index_.rows.values[column] + slot * index_.meta.keys[column].size;
  }

 private:
  const Index& index_;
  uint8_t* bytes_;
};

}  // namespace medvec::index
