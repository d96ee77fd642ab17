#include "core/hnsw/insert.hpp"
#include "index/diagnostics/checker.hpp"

namespace medvec::index {

namespace {

// Nodes of one level whose links are yet to be followed.
using Pending = hnsw::Array<NodeId>;

void Reach(Checker& checker, Pending& pending, NodeId node, int level) {
  const uint8_t state = checker.StateOf(node);
  if ((state & (kStateWritten | kStateClosed | kReached)) != kStateWritten || (state & kLevelMask) != level) return;
  checker.State(node) |= kReached;
  pending.Append(checker.memory, node);
}

// As a search does: over dead nodes too, and down from each node reached.
void Follow(Checker& checker) {
  const hnsw::Geometry& g = checker.index.geometry();
  const uint32_t size = static_cast<uint32_t>(sizeof(hnsw::BlockHeader)) + 4 * g.max_degree;
  uint8_t* block = static_cast<uint8_t*>(palloc(size));
  Pending pending = {}, below = {};
  Reach(checker, pending, checker.entry.node, checker.entry.level);
  for (int level = checker.entry.level; level >= 0; --level) {
    while (pending.size > 0) {
      CHECK_FOR_INTERRUPTS();
      checker.ReadBytes(pending[--pending.size], 0, size, block);
      const hnsw::BlockHeader& header = hnsw::Header(block);
      for (size_t i = 0; i < Min(header.degree, g.max_degree); ++i)
        Reach(checker, pending, hnsw::Links(block)[i], level);
      if (level > 0) Reach(checker, below, header.target, level - 1);
    }
    std::swap(pending, below);
  }
  pending.Free(checker.memory);
  below.Free(checker.memory);
  pfree(block);
}

}  // namespace

bool IsSeen(Checker& checker, NodeId node) {
  uint8_t state = checker.StateOf(node);
  while ((state & kStateWritten) && !(state & (kStateDead | kStateClosed)) && (state & kLevelMask) > 0) {
    hnsw::BlockHeader header;
    checker.ReadBytes(node, 0, sizeof header, reinterpret_cast<uint8_t*>(&header));
    const uint8_t below = checker.StateOf(header.target);
    if ((below & kLevelMask) + 1 != (state & kLevelMask)) return false;
    node = header.target, state = below;
  }
  return (state & kVisible) && !(state & (kStateDead | kStateClosed));
}

void CheckReachability(Checker& checker) {
  const Entry entry = checker.entry;
  const uint8_t state = checker.StateOf(entry.node);
  bool followed = false;
  if (entry.node != kNoNode) {
    followed = entry.level <= hnsw::kMaxLevel && (state & kStateWritten) && !(state & kStateClosed) &&
               (state & kLevelMask) == entry.level;
    if (followed)
      Follow(checker);
    else
      checker.Report(kMetaBlock, entry.node, "the entry is no block of its level");
  }
  for (uint64 i = 0; i < checker.addresses; ++i) {
    const NodeId node = static_cast<NodeId>(i);
    const uint8_t here = checker.nodes[i];
    if (!(here & kStateWritten) || (here & (kStateDead | kStateClosed | kReached)) || !IsSeen(checker, node)) continue;
    CHECK_FOR_INTERRUPTS();
    if (entry.node == kNoNode) {
      checker.Report(kMetaBlock, kNoNode, "the index has nodes, and no entry");
      return;
    }
    if (!followed) return;
    checker.ReportNode(node, "no path of links leads to it from the entry");
  }
}

}  // namespace medvec::index
