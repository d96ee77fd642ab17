// The best-first walk over one level (Malkov and Yashunin 2018, Algorithm 2), on estimates.
//
// The beam holds the `width` nearest known nodes, in order: visited ones by their own distance, others by the estimate
// at the neighbour that named them. The nearest not yet visited is visited next: one block read gives its own distance
// and estimates for all its neighbours. The walk has settled when all nodes of the beam are visited, as Algorithm 2's
// list of ef. Estimates of one node made at several neighbours are averaged.
//
// What does not fit into the beam is logged, so that Widen goes on with a longer beam where it left off, without
// visiting anew.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>

#include "core/hnsw/graph.hpp"
#include "core/hnsw/kernels.hpp"
#include "core/hnsw/memory.hpp"
#include "core/stop_point.hpp"

namespace medvec::hnsw {

// In units of the estimate's deviation. Measured on word vectors (100 dimensions, one bit), hops to recall .95: without
// caution 254, with 0.25 234, with 0.5 252, with 1 342; nodes beyond hope are not even looked up in the map.
inline constexpr float kCaution = 0.25f;
inline constexpr float kHopeless = 0.5f;
inline constexpr int kAhead = 2;  // nodes prefetched
// Deviation of the proportion of L1 to L2 from node to node. Without it a node at nearly no distance, whose L2
// estimates are nearly certain, gives its neighbours a proportion that is an accident of rounding, and outweighs all
// others: of 1,000 uniform vectors of 784 dimensions recall fell from .76 to .35 as ef rose from 20 to 200 (now .65 to
// .996).
inline constexpr float kProportionDoubt = 0.05f;

// Room for what a walk that may go on keeps, for each place of its beam.
inline constexpr size_t kLoggedPerPlace = 48, kVisitedPerPlace = 2;

// A walk asks its visitor, for each node visited, whether the node counts:
//   bool Visit(NodeId node, const uint8_t* block, const Distances& distances)
// A node that does not count (dead, or filtered out) is walked through but takes no place in the beam.
template <Graph G, class Visitor>
class Walk {
 public:
  Walk(const Space& space, G& graph, const Memory& memory, Query& query, Visitor& visitor)
      : space_(space),
        graph_(graph),
        memory_(memory),
        kernels_(GetKernels(space.geometry)),
        query_(query),
        visitor_(visitor) {}

  // Starts over with a beam of `width` nodes. `log`: Widen will be called. `by_rank`: the beam is in the order of ranks
  // (this matters for L1 only): a neighbour's L1 distance is guessed from its estimated L2 distance by the proportion
  // of the two at the node that names it, since vectors near each other differ from the query in similar directions.
  void Start(size_t width, bool log, bool by_rank) {
    by_rank_ = by_rank && space_.geometry.metric == Metric::kL1;
    width_ = width, size_ = 0, next_ = 0, hops_ = 0, log_ = log, skipped_ = was_full_ = false;
    ReserveBeam(width);
    known_.Reset(memory_, 4 * width);
    logged_.size = counted_.size = 0;
    if (!log) return;
    logged_.Reserve(memory_, kLoggedPerPlace * width);
    counted_.Reserve(memory_, kVisitedPerPlace * width);
  }
  // A node to start from. Nothing is known of it: it is visited first.
  void Add(NodeId node) {
    if (known_.Get(node) != nullptr) return;
    known_.Put(memory_, {node, 0, 0, 0});
    InsertItem(Item(0, node));
  }

  // Visits the next node. False when the walk has settled.
  bool Step() {
    while (next_ < size_ && Visited(beam_[next_])) ++next_;
    if (next_ == size_) return false;
    Expand(next_);
    return true;
  }
  // False: it has read `most` nodes before it settled.
  bool Run(size_t most = std::numeric_limits<size_t>::max()) {
    do {
      while (hops_ < most && Step()) continue;
    } while (hops_ < most && Refill());
    return hops_ < most;
  }

  // Goes on with a beam of `width` nodes, longer than before. False when there is nothing left to walk to.
  bool Widen(size_t width) {
    if (!has_more()) return false;
    ReserveBeam(width);
    width_ = width, size_ = 0, next_ = 0;
    for (const uint64_t item : counted_) InsertItem(item);
    known_.ForAll([this](const NodeMap::Slot& slot) {
      if (!(slot.key & 1) && slot.key < Bound()) InsertItem(Item(slot.key, slot.node));
    });
    OfferAgain();
    return true;
  }

  size_t width() const { return width_; }
  // Whether Widen may find more than has been visited.
  bool has_more() const { return size_ == width_ || logged_.size > 0; }
  // Nodes read.
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
    NodeId node;
    float estimate, deviation;
  };

  // Floats in the order of unsigned integers; the lowest bit is the mark of visited nodes (so of equals the unvisited
  // come first).
  static uint32_t SortableKey(float f) {
    const uint32_t bits = std::bit_cast<uint32_t>(f);
    return (bits & 0x80000000u ? ~bits : bits | 0x80000000u) & ~1u;
  }
  static float Unsorted(uint32_t key) {
    if (key == 0xffffffffu) return std::numeric_limits<float>::infinity();
    return std::bit_cast<float>(key & 0x80000000u ? key ^ 0x80000000u : ~key);
  }
  static uint64_t Item(uint32_t key, NodeId node) { return static_cast<uint64_t>(key) << 32 | node; }
  static bool Visited(uint64_t item) { return item >> 32 & 1; }
  uint32_t Bound() const { return size_ < width_ ? 0xffffffffu : static_cast<uint32_t>(beam_[size_ - 1] >> 32); }

  // Lower bound, without a branch to mispredict at each step.
  size_t Position(uint64_t item) const {
    const uint64_t* base = beam_;
    size_t length = size_;
    while (length > 1) {
      const size_t half = length / 2;
      base += half & (size_t{0} - (base[half - 1] < item));
      length -= half;
    }
    return static_cast<size_t>(base - beam_) + (length == 1 && *base < item);
  }

  // Room for `width` items and one that pushes the last out; what the beam held is lost.
  void ReserveBeam(size_t width) {
    if (beam_capacity_ > width) return;
    memory_.Release(beam_);
    beam_capacity_ = width + 1;
    beam_ = memory_.Allocate<uint64_t>(beam_capacity_);
  }

  void InsertItem(uint64_t item) {
    const size_t at = Position(item);
    if (at == width_) return;
    const size_t end = size_ < width_ ? size_++ : width_ - 1;
    std::memmove(beam_ + at + 1, beam_ + at, (end - at) * sizeof(uint64_t));
    beam_[at] = item;
    if (at < next_) next_ = at;
  }

  // One more estimate of a node's distance. Errors of estimates at different neighbours are independent, so that their
  // mean by precision is the best guess; the key adds a share of its deviation, because of many uncertain guesses those
  // that look nearest are mostly too low. What is too far for the beam is not kept in the map, which stays small.
  void Offer(float estimate, float deviation, NodeId node) {
    NodeMap::Slot* slot = known_.Get(node);
    if (slot == nullptr) {
      const uint32_t key = SortableKey(estimate + kCaution * deviation);
      if (key < Bound()) {
        known_.Put(memory_, {node, key, estimate, deviation * deviation});
        InsertItem(Item(key, node));
      } else if (log_) {
        logged_.Append(memory_, {node, estimate, deviation});
      }
      return;
    }
    if (slot->variance == 0) return OfferKnown(node, estimate);
    if (slot->key & 1) return;
    const float variance = deviation * deviation, share = slot->variance / (slot->variance + variance);
    slot->estimate += share * (estimate - slot->estimate);
    slot->variance = share * variance;
    const uint32_t key = SortableKey(slot->estimate + kCaution * std::sqrt(slot->variance));
    if (key == slot->key) return;
    const uint64_t old = Item(slot->key, node);
    slot->key = key;
    const size_t from = Position(old);
    if (from < size_ && beam_[from] == old)
      MoveItem(from, Item(key, node));
    else if (key < Bound())
      InsertItem(Item(key, node));
  }

  void OfferAgain() {
    const Array<Estimate> again = logged_;
    logged_ = {};
    for (size_t i = 0; i < again.size; ++i) Offer(again[i].estimate, again[i].deviation, again[i].node);
    memory_.Release(again.data);
  }

  // Nodes that do not count leave room in the beam, also for what was too far at the time; and as long as the beam has
  // not been full, nothing is too far, though its estimate be infinite. False: there is no room, or nothing for it.
  bool Refill() {
    if (size_ == width_ || logged_.size == 0 || (was_full_ && !skipped_)) return false;
    skipped_ = false;
    OfferAgain();
    return true;
  }

  // The item at `from` gets another key. What is beyond both places stays where it is.
  void MoveItem(size_t from, uint64_t item) {
    const size_t to = Position(item) - (item > beam_[from]);
    if (to > from)
      std::memmove(beam_ + from, beam_ + from + 1, (to - from) * sizeof(uint64_t));
    else
      std::memmove(beam_ + to + 1, beam_ + to, (from - to) * sizeof(uint64_t));
    beam_[to] = item;
    if (from < next_) --next_;
    if (to < next_) next_ = to;
  }

  void RemoveItem(size_t position) {
    std::memmove(beam_ + position, beam_ + position + 1, (size_ - position - 1) * sizeof(uint64_t));
    --size_;
    if (position < next_) --next_;
  }

  void Expand(size_t position) {
    const NodeId node = static_cast<NodeId>(beam_[position]);
    const uint8_t* block = graph_.Read(node);
    const Distances distances = kernels_.visit(space_, query_, block);
    const size_t degree = std::min<size_t>(Header(block).degree, space_.geometry.max_degree);
    const bool has_codes = space_.geometry.has_codes();
    if (has_codes) kernels_.estimate(space_, query_, block, distances.navigation, estimates_, deviations_);
    std::memcpy(links_, Links(block), degree * sizeof(NodeId));
    const bool counts = visitor_.Visit(node, block, distances);
    skipped_ |= !counts;
    graph_.Release(node);
    MEDVEC_STOP_POINT("walk-hop");
    ++hops_;

    if (by_rank_ && has_codes) ToRanks(distances, degree);
    const uint32_t key = SortableKey(by_rank_ ? distances.rank : distances.navigation) | 1;
    known_.Get(node)->key = key;
    // The visited node moves to the place of its own distance, or leaves. If it leaves there is room for one more, but
    // not for all: its neighbours are judged by the bound there was.
    // Of a node to start from nothing was known, and a beam of one has no bound but the node itself.
    const bool is_start = beam_[position] >> 32 == 0;
    float bound = is_start ? std::numeric_limits<float>::infinity() : Unsorted(Bound());
    if (counts)
      MoveItem(position, Item(key, node));
    else
      RemoveItem(position);
    if (counts && log_) counted_.Append(memory_, Item(key, node));
    if (!has_codes) {
      OfferNeighbours(degree);
      was_full_ |= size_ == width_;
      return PrefetchNext();
    }
    if (size_ == width_) bound = std::max(bound, Unsorted(Bound()));
    // Two lists without a branch, then a loop over the few that are near enough.
    uint16_t near[kMaxDegree], far[kMaxDegree];
    size_t near_count = 0, far_count = 0;
    for (size_t i = 0; i < degree; ++i) {
      const bool hopeful = estimates_[i] + kHopeless * deviations_[i] < bound;
      near[near_count] = far[far_count] = static_cast<uint16_t>(i);
      near_count += hopeful, far_count += !hopeful;
    }
    for (size_t k = 0; k < near_count; ++k) Offer(estimates_[near[k]], deviations_[near[k]], links_[near[k]]);
    if (log_)
      for (size_t k = 0; k < far_count; ++k)
        logged_.Append(memory_, {links_[far[k]], estimates_[far[k]], deviations_[far[k]]});
    was_full_ |= size_ == width_;
    PrefetchNext();
  }

  // Without codes: reads each neighbour that is not known yet, and knows it from now on, however far it is.
  void OfferNeighbours(size_t degree) {
    for (size_t i = 0; i < degree; ++i)
      if (known_.Get(links_[i]) == nullptr) graph_.Prefetch(links_[i]);
    for (size_t i = 0; i < degree; ++i) {
      const NodeId neighbour = links_[i];
      const NodeMap::Slot* slot = known_.Get(neighbour);
      float distance = slot != nullptr ? slot->estimate : 0;
      if (slot == nullptr) {
        distance = kernels_.visit(space_, query_, graph_.Read(neighbour)).navigation;
        graph_.Release(neighbour);
        ++hops_;
        known_.Put(memory_, {neighbour, SortableKey(distance), distance, 0});
      }
      OfferKnown(neighbour, distance);
    }
  }

  // A node whose distance is known exactly, and which may have been too far for the beam before.
  void OfferKnown(NodeId node, float distance) {
    const NodeMap::Slot& slot = *known_.Get(node);
    if (slot.key & 1) return;
    const uint64_t item = Item(slot.key, node);
    const size_t at = Position(item);
    if (at < size_ && beam_[at] == item) return;
    if (slot.key < Bound())
      InsertItem(item);
    else if (log_)
      logged_.Append(memory_, {node, distance, 0});
  }

  void ToRanks(const Distances& distances, size_t degree) {
    const float proportion = distances.navigation > 0 ? distances.rank / std::sqrt(distances.navigation) : 1;
    for (size_t i = 0; i < degree; ++i) {
      const float root = std::sqrt(std::max(estimates_[i], deviations_[i]));
      estimates_[i] = proportion * std::sqrt(std::max(estimates_[i], 0.0f));
      const float spread = root > 0 ? proportion * deviations_[i] / (2 * root) : 0;
      const float doubt = kProportionDoubt * estimates_[i];
      deviations_[i] = std::sqrt(spread * spread + doubt * doubt);
    }
  }

  // The two nodes that will be visited next unless better ones turn up: one alone would come too late, since its visit
  // follows at once.
  void PrefetchNext() {
    int ahead = 0;
    for (size_t i = next_; i < size_ && ahead < kAhead; ++i) {
      if (Visited(beam_[i])) continue;
      ++ahead;
      const NodeId node = static_cast<NodeId>(beam_[i]);
      bool done = false;
      for (const NodeId earlier : prefetched_) done |= earlier == node;
      if (done) continue;
      graph_.Prefetch(node);
      prefetched_[prefetch_slot_++ % std::size(prefetched_)] = node;
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
  bool log_ = false, by_rank_ = false;
  bool skipped_ = false;       // a node that does not count was visited
  bool was_full_ = false;      // the beam, after a visit
  NodeMap known_;              // every node seen; lowest bit of the key set: visited
  Array<Estimate> logged_;     // estimates of nodes that are in neither beam nor map
  Array<uint64_t> counted_;    // items of the visited nodes that count
  NodeId prefetched_[8] = {};  // the last ones asked for
  size_t prefetch_slot_ = 0;
  float estimates_[kMaxDegree + 16], deviations_[kMaxDegree + 16];
  NodeId links_[kMaxDegree];
};

}  // namespace medvec::hnsw
