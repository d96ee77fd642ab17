// Search as a stream: the nearest nodes in the order of their lower bounds, as long as the consumer asks. Who
// recomputes the distances can put the rows in exact order: a row is next once its distance is not above the bound of
// the last node.
//
// The first answers come when a walk of 3/2 ef (at least kLeastWidth) has settled. As more are taken the beam grows, so
// that the k-th of them comes out of a beam of at least 5/4 k: its quality does not fall with its rank. What the walk
// finds later than a farther answer already given is left out (order is strict) unless the caller asks for relaxed
// order.
#pragma once

#include <optional>

#include "core/hnsw/bound.hpp"
#include "core/hnsw/walk.hpp"
#include "core/stop_point.hpp"

namespace medvec::hnsw {

// Beam width on the levels above. 1, 2 and 4 gave the same recall; 4 cost six hops more.
inline constexpr size_t kDescentWidth = 1;

// The first beam is at least this wide: a narrower one visits hardly fewer nodes and ends in more dead ends. BeamWidth
// makes it ef and a half, so that recall at an ef is what users of Algorithm 2 expect of it.
inline constexpr size_t kLeastWidth = 16;

// Where blocks have room for fewer than three quarters of the 2 m links that users of Algorithm 2 get (halfvec:
// decision 0016), the first beam is wider in proportion.
inline size_t BeamWidth(size_t ef, size_t m, size_t max_degree) {
  const size_t links = 3 * m / 2;
  return ef * 3 * std::max(links, max_degree) / (2 * max_degree);
}

struct Answer {
  double bound;  // no row of the node is nearer than this, in the operator's units (bound.hpp)
  double upper;  // and none is farther than this
  NodeId node;
  float rank;          // squared L2 in the blocks' form, -<q, v>, or L1: of the stored vector
  float error;         // |v - stored v| is at most this
  uint32_t target;     // storage's own, of the block's header
  uint32_t origin[2];  // storage's own
  uint8_t flags;
};

// What the block of a node at this rank says as an answer.
inline Answer AnswerOf(const Geometry& g, const Bound& bound, NodeId node, const uint8_t* block, float rank) {
  const BlockHeader& header = Header(block);
  double length = 0;
  if (bound.needs_length())
    length = std::sqrt(static_cast<double>(GetKernels(g).norm(g, Vector(g, block), header.scale)));
  return {bound.Lower(rank, header.error, length),
          bound.Upper(rank, header.error, length),
          node,
          rank,
          header.error,
          header.target,
          {header.origin[0], header.origin[1]},
          header.flags};
}

// Goes down from `entry` to `level`; returns the best node found there to start from (kNoNode: the graph is empty).
template <Graph G>
NodeId DescendFrom(const Space& space, G& graph, const Memory& memory, Query& query, Entry entry, int level) {
  struct Nearest {
    int level;
    float navigation = std::numeric_limits<float>::infinity();
    uint32_t below = kNoNode;
    bool Visit(NodeId, const uint8_t* block, const Distances& distances) {
      // A link of an insertion that failed half-way, to a node that died and whose slot is used again.
      if (Header(block).level != level) return false;
      // Dead nodes still lead down.
      if (below == kNoNode || distances.navigation < navigation)
        navigation = distances.navigation, below = Header(block).target;
      return true;
    }
  };
  if (entry.node == kNoNode || entry.level <= level) return entry.node;
  Nearest nearest{entry.level};
  Walk<G, Nearest> walk(space, graph, memory, query, nearest);
  for (; entry.level > level; --entry.level) {
    nearest = {entry.level};
    walk.Start(kDescentWidth, false, false);
    walk.Add(entry.node);
    walk.Run();
    entry.node = nearest.below;
  }
  walk.Free();
  return entry.node;
}

struct AcceptAll {
  bool operator()(NodeId, const uint8_t*) const { return true; }
  bool Confirm(const Answer&) const { return true; }
};

// `Accept(node, block)` says whether a live node may be an answer, while its block is locked, and
// `Accept.Confirm(answer)` whether it is one, when it is no longer.
template <Graph G, class Accept = AcceptAll>
class Search {
 public:
  // `width`: of the first beam. `without`: nodes with one of these flags are no answers.
  Search(const Space& space, G& graph, const Memory& memory, Query& query, const Bound& bound, size_t ef, size_t width,
         uint8_t without = kDead, Accept accept = {})
      : space_(space),
        graph_(graph),
        memory_(memory),
        query_(query),
        bound_(bound),
        ef_(ef),
        width_(std::max(width, kLeastWidth)),
        without_(without),
        accept_(accept),
        walk_(space, graph, memory, query, *this) {}
  Search(const Search&) = delete;

  // The search ends, before an answer is sure, once it has read so many nodes: for callers who then know a cheaper way.
  void SetBudget(size_t nodes) { budget_ = nodes; }
  bool is_spent() const { return spent_; }

  // Whether the next answer asks for a longer beam.
  bool WouldWiden() const {
    return started_ && !exhausted_ && (given_ + given_ / 4 + 1 > walk_.width() || pending_.size == 0);
  }

  // The next answer's bound, as far as one is known without a longer beam.
  std::optional<double> PeekBound() const {
    if (pending_.size == 0) return {};
    return pending_[0].bound;
  }
  // From now on strict order begins here: what has been given is known not to be nearer.
  void RaiseFloor(double bound) { floor_ = std::max(floor_, bound); }

  // The next answer. False: there are no more. `strict_order`: in ascending order of bounds, for which late finds are
  // left out. `widen`: not just what the first walk of width ef found.
  bool Next(Answer* answer, bool strict_order = true, bool widen = true) {
    if (!started_) {
      started_ = true;
      Entry entry = graph_.GetEntry();
      MEDVEC_STOP_POINT("search-entry");
      NodeId start = DescendFrom(space_, graph_, memory_, query_, entry, 0);
      // On a standby, whose transactions do not keep slots from being used again, the entry may be another node by now.
      for (Entry now; start == kNoNode && (now = graph_.GetEntry()).node != entry.node;) {
        entry = now;
        start = DescendFrom(space_, graph_, memory_, query_, entry, 0);
      }
      walk_.Start(width_, true, true);
      if (start != kNoNode) walk_.Add(start);
      spent_ = !walk_.Run(budget_);
    }
    for (;;) {
      if (spent_) return false;
      if (!widen) {
        if (given_ >= (walk_.width() == width_ ? ef_ : walk_.width()) || pending_.size == 0) return false;
      } else if (WouldWiden()) {
        exhausted_ = !walk_.Widen(2 * walk_.width());
        spent_ = !walk_.Run(budget_);
        if (spent_) return false;
      }
      if (pending_.size == 0) {
        if (exhausted_) return false;
        continue;
      }
      std::pop_heap(pending_.begin(), pending_.end(), Later);
      *answer = pending_[--pending_.size];
      if (strict_order && answer->bound < floor_) continue;
      RaiseFloor(answer->bound);
      ++given_;
      return true;
    }
  }

  // The walk's callbacks.
  bool Visit(NodeId node, const uint8_t* block, const Distances& distances) {
    const BlockHeader& header = Header(block);
    if ((header.flags & without_) || header.level != 0 || !accept_(node, block)) return false;
    visited_ = AnswerOf(space_.geometry, bound_, node, block, distances.rank);
    return true;
  }
  bool Confirm() {
    if (!accept_.Confirm(visited_)) return false;
    pending_.Append(memory_, visited_);
    std::push_heap(pending_.begin(), pending_.end(), Later);
    return true;
  }

  size_t width() const { return walk_.width(); }
  // Whether there may be more to walk to.
  bool has_more() const { return walk_.has_more(); }
  size_t hops() const { return walk_.hops(); }
  void Free() {
    walk_.Free();
    pending_.Free(memory_);
  }

 private:
  static bool Later(const Answer& a, const Answer& b) { return a.bound > b.bound; }

  const Space& space_;
  G& graph_;
  const Memory memory_;
  Query& query_;
  const Bound bound_;
  const size_t ef_, width_;
  const uint8_t without_;
  Accept accept_;
  Walk<G, Search> walk_;
  Answer visited_;         // the node the walk is at
  Array<Answer> pending_;  // a heap, nearest first
  size_t given_ = 0;
  double floor_ = -std::numeric_limits<double>::infinity();  // strict order: no answer below it
  size_t budget_ = std::numeric_limits<size_t>::max();
  bool started_ = false, exhausted_ = false, spent_ = false;
};

}  // namespace medvec::hnsw
