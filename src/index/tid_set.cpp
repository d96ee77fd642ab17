#include "index/tid_set.hpp"

#include <bit>

#include "core/column.hpp"
#include "index/index.hpp"

namespace medvec::index {

void TidSet::Drain(TIDBitmap* bitmap) {
  const hnsw::Memory memory = ServerMemory();
  OffsetNumber offsets[MaxHeapTuplesPerPage];
  BlockNumber block = 0;
  int count = 0;
  BitmapIterator* iterator = BeginBitmapIteration(bitmap);
  while (NextBitmapPage(iterator, block, offsets, MaxHeapTuplesPerPage, count)) {
    CHECK_FOR_INTERRUPTS();
    if (count < 0) {
      ++whole_pages_;
      Run* last = runs_.size > 0 ? &runs_[runs_.size - 1] : nullptr;
      if (last != nullptr && last->whole_pages > 0 && last->block + last->whole_pages == block)
        ++last->whole_pages;
      else
        runs_.Append(memory, {block, 1, static_cast<uint32>(words_.size)});
      continue;
    }
    if (count == 0) continue;
    runs_.Append(memory, {block, 0, static_cast<uint32>(words_.size)});
    const size_t first = words_.size;
    for (int i = 0; i < count; ++i) {
      const size_t bit = offsets[i] - 1u, word = first + bit / 64;
      while (words_.size <= word) words_.Append(memory, 0);
      words_[word] |= uint64{1} << bit % 64;
    }
    tuples_ += static_cast<uint64>(count);
  }
  EndBitmapIteration(iterator);
  MakeDirectory(memory);
  MakeHashes(memory);
}

// Pages as a whole have no tuples to hash.
void TidSet::MakeHashes(const hnsw::Memory& memory) {
  if (whole_pages_ > 0 || tuples_ == 0) return;
  hashes_ = HashBits(memory, tuples_);
  ForEach([this](BlockNumber block, OffsetNumber offset) { hashes_.Add(Key(block, offset)); }, [](BlockNumber) {});
}

void TidSet::Select(const uint8_t* blocks, const uint8_t* offsets, uint32 count, uint64* among) const {
  for (uint32 first = 0; first < count; first += 64) {
    uint64& word = among[first / 64];
    if (word == 0) continue;
    const auto block_of = [&](uint32 i) { return ReadAs<uint32>(blocks + (first + i) * sizeof(uint32)); };
    const auto offset_of = [&](uint32 i) { return ReadAs<uint16>(offsets + (first + i) * sizeof(uint16)); };
    if (!hashes_.is_none()) {
      uint64 may = 0;
      const uint32 end = Min(count - first, 64u);
      for (uint32 i = 0; i < end; ++i) may |= uint64{hashes_.MayHave(Key(block_of(i), offset_of(i)))} << i;
      word &= may;
    }
    for (uint64 left = word; left != 0; left &= left - 1) {
      const uint32 i = static_cast<uint32>(std::countr_zero(left));
      ItemPointerData tuple;
      ItemPointerSet(&tuple, block_of(i), offset_of(i));
      if (!Contains(tuple)) word ^= left & -left;
    }
  }
}

void TidSet::MakeDirectory(const hnsw::Memory& memory) {
  if (runs_.size == 0) return;
  const BlockNumber last = runs_[runs_.size - 1].block;
  while ((last >> shift_) > 2 * runs_.size) ++shift_;
  buckets_ = (last >> shift_) + 1;
  directory_ = memory.Allocate<uint32>(size_t{buckets_} + 1);
  uint32 run = 0;
  for (uint32 bucket = 0; bucket < buckets_; ++bucket) {
    while (run < runs_.size && runs_[run].block >> shift_ < bucket) ++run;
    directory_[bucket] = run;
  }
  directory_[buckets_] = static_cast<uint32>(runs_.size);
}

bool TidSet::Contains(const ItemPointerData& tuple) const {
  if (runs_.size == 0) return false;
  const BlockNumber block = ItemPointerGetBlockNumberNoCheck(&tuple);
  const uint32 bucket = Min(block >> shift_, buckets_ - 1);
  // The last run that does not begin behind the block; a long one may begin in an earlier bucket.
  uint32 run = directory_[bucket + 1];
  while (run > directory_[bucket] && runs_[run - 1].block > block) --run;
  if (run == 0) return false;
  const Run& found = runs_[--run];
  if (found.block > block) return false;
  if (found.whole_pages > 0) return block - found.block < found.whole_pages;
  if (found.block != block) return false;
  const uint32 bit = ItemPointerGetOffsetNumberNoCheck(&tuple) - 1u, word = found.first_word + bit / 64;
  const uint32 end = run + 1 < runs_.size ? runs_[run + 1].first_word : static_cast<uint32>(words_.size);
  return word < end && (words_[word] >> bit % 64 & 1);
}

}  // namespace medvec::index
