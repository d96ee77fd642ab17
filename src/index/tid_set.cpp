#include "index/tid_set.hpp"

#include <bit>

#include "core/radix_sort.hpp"
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
    for (int i = 0; i < count; ++i) Add(memory, block, offsets[i]);
  }
  EndBitmapIteration(iterator);
  MakeDirectory(memory);
  context_ = CurrentMemoryContext;
}

void TidSet::Fill(hnsw::Array<uint64>& keys) {
  const hnsw::Memory memory = ServerMemory();
  uint64* scratch = memory.Allocate<uint64>(keys.size);
  RadixSort(keys.data, scratch, keys.size);
  memory.Release(scratch);
  size_t blocks = keys.size > 0;
  for (size_t i = 1; i < keys.size; ++i) blocks += keys[i] >> 16 != keys[i - 1] >> 16;
  runs_.Reserve(memory, blocks), words_.Reserve(memory, blocks);
  for (const uint64 key : keys) Add(memory, static_cast<BlockNumber>(key >> 16), static_cast<OffsetNumber>(key));
  MakeDirectory(memory);
  context_ = CurrentMemoryContext;
}

void TidSet::Add(const hnsw::Memory& memory, BlockNumber block, OffsetNumber offset) {
  if (runs_.size == 0 || runs_[runs_.size - 1].block != block)
    runs_.Append(memory, {block, 0, static_cast<uint32>(words_.size)});
  const size_t bit = offset - 1u, word = runs_[runs_.size - 1].first_word + bit / 64;
  while (words_.size <= word) words_.Append(memory, 0);
  tuples_ += !(words_[word] >> bit % 64 & 1);
  words_[word] |= uint64{1} << bit % 64;
}

const HashBits& TidSet::Hashes() const {
  if (hashes_.is_none()) {
    hashes_ = HashBits(ServerMemory(context_), tuples_);
    ForEach([this](BlockNumber block, OffsetNumber offset) { hashes_.Add(TidKey(block, offset)); }, [](BlockNumber) {});
  }
  return hashes_;
}

void TidSet::Select(const uint8_t* blocks, const uint8_t* offsets, uint32 count, uint64* among) const {
  Ends ends[(kMostRows + 63) / 64];
  FindEnds(blocks, count, among, ends);
  for (uint32 first = 0; first < count; first += 64, blocks += 64 * sizeof(uint32), offsets += 64 * sizeof(uint16)) {
    uint64& word = among[first / 64];
    if (word == 0) continue;
    const Tuples tuples = {blocks, offsets, Min(count - first, 64u)};
    const uint32 run = FirstRun(ends[first / 64].least);
    uint32 end = run;
    while (end < runs_.size && end - run <= kFewRuns && runs_[end].block <= ends[first / 64].greatest) ++end;
    word = end - run <= kFewRuns ? OfRuns(run, end, tuples, word) : OneByOne(tuples, word);
  }
}

uint64 TidSet::OfRuns(uint32 run, uint32 end, const Tuples& tuples, uint64 among) const {
  uint64 members = 0;
  Pair pairs[kFewRuns * kFewOffsets + 1];
  size_t count = 0;
  for (; run < end; ++run) {
    const bool is_whole = runs_[run].whole_pages > 0;
    const size_t few = is_whole ? 0 : ListOffsets(run, kFewOffsets + 1, pairs + count);
    if (few > 0 && few <= kFewOffsets) {
      count += few;
      continue;
    }
    uint64 of_run = among;
    SelectRange(Form::kUint32, tuples.blocks, tuples.count, runs_[run].block, LastBlock(run), &of_run);
    members |= of_run;
    for (uint64 left = is_whole ? 0 : of_run; left != 0; left &= left - 1)
      if (!HasOffset(run, tuples.Offset(std::countr_zero(left)))) members ^= left & -left;
  }
  return members | (among & FindPairs(tuples.blocks, tuples.offsets, tuples.count, {pairs, count}));
}

// Pages as a whole have no tuples to hash.
uint64 TidSet::OneByOne(const Tuples& tuples, uint64 among) const {
  const HashBits* hashes = whole_pages_ == 0 ? &Hashes() : nullptr;
  uint64 members = among;
  for (uint64 left = among; left != 0; left &= left - 1) {
    const int i = std::countr_zero(left);
    const BlockNumber block = tuples.Block(i);
    const OffsetNumber offset = tuples.Offset(i);
    if ((hashes != nullptr && !hashes->MayHave(TidKey(block, offset))) || !Contains(block, offset))
      members ^= left & -left;
  }
  return members;
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

// The first run that does not end before a block.
uint32 TidSet::FirstRun(BlockNumber block) const {
  if (runs_.size == 0) return 0;
  uint32 run = directory_[Min(block >> shift_, buckets_ - 1)];
  if (run > 0 && LastBlock(run - 1) >= block) return run - 1;  // a long one that begins in an earlier bucket
  while (run < runs_.size && LastBlock(run) < block) ++run;
  return run;
}

bool TidSet::Contains(BlockNumber block, OffsetNumber offset) const {
  const uint32 run = FirstRun(block);
  return run < runs_.size && runs_[run].block <= block && (runs_[run].whole_pages > 0 || HasOffset(run, offset));
}

size_t TidSet::ListOffsets(uint32 run, size_t most, Pair* pairs) const {
  const uint32 first = runs_[run].first_word, end = EndWord(run);
  size_t count = 0;
  for (uint32 word = first; word < end; ++word)
    for (uint64 bits = words_[word]; bits != 0 && count < most; bits &= bits - 1)
      pairs[count++] = {runs_[run].block, OffsetOf(word - first, bits)};
  return count;
}

bool TidSet::HasOffset(uint32 run, OffsetNumber offset) const {
  const uint32 bit = offset - 1u, word = runs_[run].first_word + bit / 64;
  return word < EndWord(run) && (words_[word] >> bit % 64 & 1);
}

}  // namespace medvec::index
