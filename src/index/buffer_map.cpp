#include "index/buffer_map.hpp"

#include <bit>

#include "index/pages.hpp"

namespace medvec::index {

namespace {

constexpr int kMaps = 8;  // of the indexes a session used last
constexpr uint32_t kLeastBlocks = 1 << 10;
BufferMap maps[kMaps];
uint64_t uses = 0;

}  // namespace

BufferMap* BufferMap::For(Relation relation, BlockNumber blocks) {
  if (RelationUsesLocalBuffers(relation)) return nullptr;
  const RelFileNumber file = RelationFileNumber(relation);
  const Oid tablespace = RelationTablespace(relation);
  BufferMap* map = &maps[0];
  for (BufferMap& other : maps) {
    if (other.buffers_ != nullptr && other.file_ == file && other.tablespace_ == tablespace) {
      map = &other;
      break;
    }
    if (other.last_use_ < map->last_use_) map = &other;
  }
  const uint32_t wanted = Min(std::bit_ceil(Max(blocks, kLeastBlocks)), BufferMap::kMostBlocks);
  const bool is_new = map->buffers_ == nullptr || map->file_ != file || map->tablespace_ != tablespace;
  if (is_new || map->mask_ + 1 < wanted) {
    Buffer* old = map->buffers_;
    map->buffers_ = static_cast<Buffer*>(MemoryContextAllocZero(TopMemoryContext, sizeof(Buffer) * wanted));
    if (old != nullptr) pfree(old);
    map->file_ = file, map->tablespace_ = tablespace, map->mask_ = wanted - 1;
  }
  map->last_use_ = ++uses;
  return map;
}

Buffer BufferMap::Pin(BufferMap** map, Index& index, BlockNumber block) {
  const Buffer seen = *map == nullptr ? InvalidBuffer : (*map)->Get(block);
  if (BufferIsValid(seen) && ReadRecentBuffer(RelationFileLocator(index.relation), MAIN_FORKNUM, block, seen))
    return seen;
  CheckBlock(index, block);
  const Buffer buffer = ReadBuffer(index.relation, block);
  if (*map != nullptr) {
    if (!(*map)->Covers(block)) *map = For(index.relation, 2 * block);
    (*map)->Put(block, buffer);
  }
  return buffer;
}

const uint8_t* BufferMap::Guess(BufferMap* map, const Index& index, BlockNumber block) {
  if (map == nullptr) return nullptr;
  Buffer buffer = map->Get(block);
  if (!BufferIsValid(buffer)) {
    if (block >= index.blocks) return nullptr;
    buffer = PrefetchBuffer(index.relation, MAIN_FORKNUM, block).recent_buffer;
    if (!BufferIsValid(buffer)) return nullptr;
    map->Put(block, buffer);
  }
  // It may hold another page by now: then this is in vain.
  const uint8_t* page = reinterpret_cast<const uint8_t*>(BufferGetPage(buffer));
  __builtin_prefetch(GetBufferDescriptor(static_cast<uint32>(buffer - 1)), 1);
  __builtin_prefetch(page);
  __builtin_prefetch(page + BLCKSZ - sizeof(PageTail));
  return page;
}

}  // namespace medvec::index
