// The graph of src/core/hnsw in memory, block for block as index pages would hold it: for tests and measurements.
#pragma once

#include <cstdlib>
#include <vector>

#include "core/hnsw/graph.hpp"
#include "core/hnsw/memory.hpp"

namespace medvec::hnsw {

inline Memory HeapMemory() {
  return {[](void*, size_t size) {
            void* memory = std::malloc(size > 0 ? size : 1);
            if (memory == nullptr) std::abort();
            return memory;
          },
          [](void*, void* memory) { std::free(memory); }, nullptr};
}

class MemoryGraph {
 public:
  explicit MemoryGraph(const Geometry& g) : geometry_(g) {}
  ~MemoryGraph() {
    for (uint8_t* chunk : chunks_) std::free(chunk);
  }
  MemoryGraph(const MemoryGraph&) = delete;

  Entry GetEntry() const { return entry_; }
  const uint8_t* Read(NodeId node) {
    ++reads_;
    return At(node);
  }
  void Release(NodeId) {}
  void Prefetch(NodeId node) {
    const uint8_t* block = At(node);
    for (size_t i = 0; i < geometry_.block_size; i += 64) __builtin_prefetch(block + i);
  }
  NodeId Append(const uint8_t* block, int level) {
    if (count_ % kChunk == 0)
      chunks_.push_back(
          static_cast<uint8_t*>(std::aligned_alloc(4096, (kChunk * geometry_.block_size + 4095) / 4096 * 4096)));
    std::memcpy(At(static_cast<NodeId>(count_)), block, geometry_.block_size);
    if (level == 0) Header(At(static_cast<NodeId>(count_))).target = row;
    return static_cast<NodeId>(count_++);
  }
  uint8_t* Write(NodeId node) {
    ++writes_;
    return At(node);
  }
  void Commit(NodeId, bool) {}
  void LockEntry() {}
  void ReplaceEntry(Entry entry) { entry_ = entry; }
  void UnlockEntry() {}

  uint32_t row = 0;  // `target` of the blocks appended to level 0

  uint8_t* At(NodeId node) { return chunks_[node / kChunk] + node % kChunk * geometry_.block_size; }
  size_t size() const { return count_; }
  size_t reads() const { return reads_; }
  size_t writes() const { return writes_; }

 private:
  static constexpr size_t kChunk = 1024;
  Geometry geometry_;
  std::vector<uint8_t*> chunks_;
  Entry entry_;
  size_t count_ = 0, reads_ = 0, writes_ = 0;
};
static_assert(MutableGraph<MemoryGraph>);

}  // namespace medvec::hnsw
