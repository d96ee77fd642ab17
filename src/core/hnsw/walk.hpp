// The best-first walk over one level (Malkov and Yashunin 2018, Algorithm 2), on estimates.
//
// The beam holds the `width` nearest known nodes, in order: visited ones by their own distance, others by the estimate at
// the neighbour that named them. The nearest not yet visited is visited next: one block read gives its own distance and
// estimates for all its neighbours. The walk has settled when all nodes of the beam are visited, as Algorithm 2's list of
// ef. A node named again by a nearer neighbour keeps the better (smaller) estimate.
//
// All estimates are logged too, so that Widen goes on with a longer beam where it left off, without visiting anew.
#pragma once

#include <algorithm>
#include <bit>
#include <limits>

#include "core/hnsw/graph.hpp"
#include "core/hnsw/memory.hpp"
#include "core/hnsw/query.hpp"

namespace medvec::hnsw {

// A walk asks its visitor, for each node visited, whether the node counts:
//   bool Visit(NodeId node, const uint8_t* block, const Distances& distances)
// A node that does not count (dead, or filtered out) is walked through but takes no place in the beam.
template <Graph G, class Visitor>
class Walk {
 public:
  Walk(const Space& space, G& graph, const Memory& memory, Query& query, Visitor& visitor)
      : space_(space), graph_(graph), memory_(memory), kernels_(GetKernels()), query_(query), visitor_(visitor) {}

  // Starts over with a beam of `width` nodes. `log`: Widen will be called.
  void Start(size_t width, bool log) {
    width_ = width, size_ = 0, next_ = 0, hops_ = 0, log_ = log;
    if (beam_capacity_ < width + 1) {
      memory_.Release(beam_);
      beam_capacity_ = width + 1;
      beam_ = memory_.Allocate<uint64_t>(beam_capacity_);
    }
    known_.Reset(memory_, 8 * width);
    logged_.size = counted_.size = 0;
  }
  // A node to start from. Nothing is known of it: it is visited first.
  void Add(NodeId node) { Offer(-std::numeric_limits<float>::infinity(), node); }

  // Visits the next node. False when the walk has settled.
  bool Step() {
    while (next_ < size_ && Visited(beam_[next_])) ++next_;
    if (next_ == size_) return false;
    Expand(next_);
    return true;
  }
  void Run() {
    while (Step()) continue;
  }

  // Goes on with a beam of `width` nodes, longer than before. False when there is nothing left to walk to.
  bool Widen(size_t width) {
    if (size_ < width_) return false;  // nothing was ever dropped
    if (beam_capacity_ < width + 1) {
      memory_.Release(beam_);
      beam_capacity_ = width + 1;
      beam_ = memory_.Allocate<uint64_t>(beam_capacity_);
    }
    width_ = width, size_ = 0, next_ = 0;
    for (const uint64_t item : counted_) InsertItem(item);
    const size_t logged = logged_.size;
    for (size_t i = 0; i < logged; ++i) {
      // The map holds what was offered; here each is offered anew.
      bool inserted;
      const uint32_t key = SortableKey(logged_[i].estimate);
      uint32_t& best = known_.At(memory_, logged_[i].node, key, &inserted);
      if (!inserted && (best & 1)) continue;
      if (!inserted && best != key) {
        if (best < key) continue;
        best = key;
      }
      OfferKnown(key, logged_[i].node);
    }
    return true;
  }

  size_t width() const { return width_; }
  size_t hops() const { return hops_; }
  void Free() {
    memory_.Release(beam_);
    beam_ = nullptr, beam_capacity_ = 0;
    known_.Free(memory_);
    logged_.Free(memory_);
    counted_.Free(memory_);
  }

 private:
  struct Estimate {
    float estimate;
    NodeId node;
  };

  // Floats in the order of unsigned integers; the lowest bit is the mark of visited nodes (so of equals the unvisited
  // come first).
  static uint32_t SortableKey(float f) {
    const uint32_t bits = std::bit_cast<uint32_t>(f);
    return (bits & 0x80000000u ? ~bits : bits | 0x80000000u) & ~1u;
  }
  static uint64_t Item(uint32_t key, NodeId node) { return static_cast<uint64_t>(key) << 32 | node; }
  static bool Visited(uint64_t item) { return item >> 32 & 1; }
  uint32_t Bound() const { return size_ < width_ ? 0xffffffffu : static_cast<uint32_t>(beam_[size_ - 1] >> 32); }

  size_t Position(uint64_t item) const { return std::lower_bound(beam_, beam_ + size_, item) - beam_; }

  void InsertItem(uint64_t item) {
    const size_t at = Position(item);
    if (at == width_) return;
    const size_t end = size_ < width_ ? size_++ : width_ - 1;
    std::memmove(beam_ + at + 1, beam_ + at, (end - at) * sizeof(uint64_t));
    beam_[at] = item;
    if (at < next_) next_ = at;
  }

  void Offer(float estimate, NodeId node) {
    const uint32_t key = SortableKey(estimate);
    bool inserted;
    uint32_t& best = known_.At(memory_, node, key, &inserted);
    if (!inserted) {
      if (best & 1 || best <= key) return;
      const uint64_t old = Item(best, node);
      best = key;
      const size_t from = Position(old);
      if (from < size_ && beam_[from] == old) {  // moves forward in the beam
        const size_t to = Position(Item(key, node));
        std::memmove(beam_ + to + 1, beam_ + to, (from - to) * sizeof(uint64_t));
        beam_[to] = Item(key, node);
        if (to < next_) next_ = to;
        return;
      }
    }
    InsertItem(Item(key, node));
  }

  // For Widen: the map already says `key` is the best estimate; the beam may hold it from an equal log entry.
  void OfferKnown(uint32_t key, NodeId node) {
    const uint64_t item = Item(key, node);
    const size_t at = Position(item);
    if (at < size_ && beam_[at] == item) return;
    InsertItem(item);
  }

  void Expand(size_t position) {
    const NodeId node = static_cast<NodeId>(beam_[position]);
    const uint8_t* block = graph_.Read(node);
    const Distances distances = kernels_.visit(space_.geometry, query_, block);
    const size_t degree = std::min<size_t>(Header(block).degree, space_.geometry.max_degree);
    kernels_.estimate(space_.geometry, query_, block, distances.navigation, estimates_);
    std::memcpy(links_, Links(block), degree * sizeof(NodeId));
    const bool counts = visitor_.Visit(node, block, distances);
    graph_.Release(node);
    ++hops_;

    bool inserted;
    const uint32_t key = SortableKey(distances.navigation) | 1;
    known_.At(memory_, node, key, &inserted) = key;
    // The visited node moves to the place of its own distance, or leaves.
    std::memmove(beam_ + position, beam_ + position + 1, (size_ - position - 1) * sizeof(uint64_t));
    --size_;
    if (counts) {
      InsertItem(Item(key, node));
      if (log_) counted_.Append(memory_, Item(key, node));
    }
    if (log_) {
      logged_.Reserve(memory_, logged_.size + degree);
      for (size_t i = 0; i < degree; ++i) logged_[logged_.size++] = {estimates_[i], links_[i]};
    }
    for (size_t i = 0; i < degree; ++i)
      if (SortableKey(estimates_[i]) < Bound()) Offer(estimates_[i], links_[i]);
    for (size_t i = next_; i < size_; ++i)
      if (!Visited(beam_[i])) {
        graph_.Prefetch(static_cast<NodeId>(beam_[i]));
        break;
      }
  }

  const Space& space_;
  G& graph_;
  const Memory memory_;
  const Kernels& kernels_;
  Query& query_;
  Visitor& visitor_;

  uint64_t* beam_ = nullptr;  // in ascending order
  size_t beam_capacity_ = 0, size_ = 0, width_ = 0;
  size_t next_ = 0;  // nothing before it is unvisited
  size_t hops_ = 0;
  bool log_ = false;
  NodeMap known_;             // best estimate of each node offered; lowest bit set: visited
  Array<Estimate> logged_;    // every estimate made
  Array<uint64_t> counted_;   // items of the visited nodes that count
  float estimates_[kMaxDegree + 16];
  NodeId links_[kMaxDegree];
};

}  // namespace medvec::hnsw
