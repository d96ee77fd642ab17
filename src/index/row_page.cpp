#include "index/row_page.hpp"

namespace medvec::index {

static_assert(sizeof(ItemPointerData) == 6 && MaxHeapTuplesPerPage < kClosedRow);

void Row::CopyKeys(uint8_t* keys) const {
  memset(keys, 0, index_->key_bytes());
  for (uint32_t i = 0; i < index_->meta.key_columns; ++i) {
    if (*NullByte(i) >> slot_ % 8 & 1) keys[i / 8] |= static_cast<uint8_t>(1 << i % 8);
    memcpy(keys + index_->meta.keys[i].offset, Value(i), index_->meta.keys[i].size);
  }
}

void Row::Fill(const ItemPointerData& tuple, uint32_t node, const uint8_t* keys) const {
  Set(ItemPointerGetBlockNumber(&tuple), ItemPointerGetOffsetNumber(&tuple), node);
  for (uint32_t i = 0; i < index_->meta.key_columns; ++i) {
    const uint8_t bit = static_cast<uint8_t>(1 << slot_ % 8);
    const bool is_null = keys[i / 8] >> i % 8 & 1;
    *NullByte(i) = static_cast<uint8_t>(is_null ? *NullByte(i) | bit : *NullByte(i) & ~bit);
    memcpy(Value(i), keys + index_->meta.keys[i].offset, index_->meta.keys[i].size);
  }
}

void RowPage::SelectNulls(uint32_t column, bool is_null, RowSet* set) const {
  const uint8_t* nulls = bytes_ + index_.rows.nulls + column * index_.rows.null_bytes;
  for (uint32_t i = 0; i < set->size(); ++i) {
    uint64_t word = 0;
    memcpy(&word, nulls + 8 * i, Min(sizeof word, static_cast<size_t>(index_.rows.null_bytes - 8 * i)));
    set->words()[i] &= is_null ? word : ~word;
  }
}

}  // namespace medvec::index
