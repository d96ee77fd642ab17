// Search as a stream: the nearest nodes in the order of their lower bounds, as long as the consumer asks. Who
// recomputes the distances can put the rows in exact order: a row is next once its distance is not above the bound of
// the last node.
//
// The first answers come when a walk of 3/2 ef (at least kLeastWidth) has settled. As more are taken the beam grows, so
// that the k-th of them comes out of a beam of at least 2 k: its quality does not fall with its rank. What the walk
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

// The k-th answer comes out of a beam of at least so many times k. A beam doubles when it is too short, so that a
// greater factor mostly means that it does so earlier, when fewer finds are late. 300 queries at ef 40, recall of k and
// visits (clustered: 40,000 rows of 128 dimensions; fashion: 30,000 of 784):
//
//   k     | clustered, 5/4 | 2           | 3           || fashion, 5/4 | 2          | 3
//   60    | .9256  302     | .9563  302  | .9728  628  || .9903   86   | .9977  165 | .9987  323
//   100   | .9047  628     | .9574  628  | .9744 1229  || .9919  165   | .9980  323 | .9989  323
//   300   | .8978 1229     | .9647 2274  | .9811 2274  || .9932  635   | .9988  635 | .9994 1256
inline constexpr double kWidthPerAnswer = 2;

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
  bool operator()(Answer*, const uint8_t*) const { return true; }
};

// `Accept(answer, block)` says whether a live node may be an answer, and may add to the answer's flags. It may let go
// of the block, of which nothing is needed afterwards.
//
// Nodes that are not accepted take room in the beam: were they to take none, the beam would have room for whatever the
// last visit named, and the walk would visit that before nearer nodes which had found no room earlier (four times as
// many visits at a share of a tenth). Instead the beam is widened once it has settled, by the share of accepted nodes
// that the walk met: so a filter whose matches lie near the query costs hardly more than none.
//
// To hold as many accepted nodes as without a filter it would have to be 1 / share times as wide. The tenth match is
// the 10 / share-th nearest node, and deep in a long beam hardly any is missed: with a power below 1 recall is the
// same. 1,000 queries, recall and visits at ef 40 (100,000 are clustered-128's first 40,000 and fashion's first
// 30,000):
//
//   share      | clustered, 1 | .8         | .7        | .6        || fashion, 1  | .8        | .7
//   all        | .9820  140   |            |           |           || .9989   87  |           |
//   50 %       | .9843  283*  | .9831  261 | .9823 241 | .9821 224 || .9994  158* | .9993 146 | .9993 136
//   20 %       | .9842  690*  | .9830  606 | .9796 484 | .9768 415 || .9999  347* | .9997 299 | .9997 254
//   10 %       | .9828 1299*  | .9818 1030 | .9783 814 | .9729 658 || .9998  649* | .9998 522 | .9996 410
//   * a power of .9
inline constexpr double kWidthPower = .8;
// It is wide enough from this part of that width on, and grows by no more than this factor at a time, as the share is
// known only where the walk has been.
inline constexpr double kWideEnough = .9, kMostGrowth = 3;

// A walk of a limited number of visits looks at the share first after so many: near the query it is by then, and where
// even so many accepted nodes more would make it too long it ends.
inline constexpr size_t kGlance = 16;
inline constexpr double kGlanceDoubt = 2, kVisitsPerWidth = 2;

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

  // Whether the next answer asks for a longer beam.
  bool WouldWiden() const {
    const size_t wanted = static_cast<size_t>(static_cast<double>(given_) * width_per_answer_) + 1;
    return started_ && !exhausted_ && (wanted > room() || pending_.size == 0);
  }

  // Makes the beam twice as long. False: it is spent.
  bool Widen() { return Widen(2 * walk_.width()); }
  // Answers that the beam holds, about.
  size_t room() const { return static_cast<size_t>(static_cast<double>(walk_.width()) * share()); }
  // Whether all that links lead to was visited, or the walk is spent.
  bool is_exhausted() const { return exhausted_; }

  // The next answer's bound, as far as one is known without a longer beam.
  std::optional<double> PeekBound() const {
    if (pending_.size == 0) return {};
    return pending_[0].bound;
  }
  // How many of the answers found, but not given yet, are of a kind.
  template <class Is>
  size_t CountNext(Is is) const {
    return static_cast<size_t>(std::count_if(pending_.data, pending_.data + pending_.size, is));
  }
  // From now on strict order begins here: what has been given is known not to be nearer.
  void RaiseFloor(double bound) { floor_ = std::max(floor_, bound); }

  // The k-th answer comes out of a beam of at least so many times k: late finds are rarer.
  void KeepWidth(double per_answer) { width_per_answer_ = per_answer; }
  // From now on walks end once so many nodes were read, or it is to be seen that so many would not do.
  // `glances`: as soon as that may be seen, for who does not ask again; `doubt`: so many accepted nodes more than were
  // seen may be there.
  void LimitHops(size_t most, bool glances, double doubt = kGlanceDoubt) {
    most_hops_ = most, glances_ = glances, doubt_ = doubt;
  }
  // Whether that was so: then Next has said that there are no more; asked again it walks on to the limit, and gives
  // what was found until there.
  bool is_spent() const { return spent_; }

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
      pending_.Reserve(memory_, kVisitedPerPlace * width_);
      if (start != kNoNode) walk_.Add(start);
      if (!Glance() || !Run() || !WidenToShare()) return false;
    }
    for (;;) {
      if (!widen) {
        if (given_ >= (widened_ ? room() : ef_) || pending_.size == 0) return false;
      } else if (WouldWiden()) {
        widened_ = true;
        if (!Widen()) return false;
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

  // The walk's callback.
  bool Visit(NodeId node, const uint8_t* block, const Distances& distances) {
    const BlockHeader& header = Header(block);
    if ((header.flags & without_) || header.level != 0) return false;
    Answer answer = AnswerOf(space_.geometry, bound_, node, block, distances.rank);
    ++asked_;
    if (!accept_(&answer, block)) return true;
    ++accepted_;
    pending_.Append(memory_, answer);
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
  bool Run() {
    spent_ = !walk_.Run(most_hops_);
    exhausted_ |= spent_;
    return !spent_;
  }
  bool Widen(size_t width) {
    exhausted_ = !walk_.Widen(width);
    return Run();
  }
  // False: it is to be seen that the walk will be too long.
  bool Glance() {
    if (!glances_ || walk_.Run(std::min(kGlance, most_hops_)) || asked_ == 0) return true;
    const double most_share = std::min(1.0, (static_cast<double>(accepted_) + doubt_) / static_cast<double>(asked_));
    const double width = static_cast<double>(width_) * std::pow(most_share, -kWidthPower);
    spent_ = kVisitsPerWidth * width > static_cast<double>(most_hops_);
    return !spent_;
  }
  bool WidenToShare() {
    while (!exhausted_) {
      const double width = static_cast<double>(walk_.width());
      const double wanted = static_cast<double>(width_) * std::pow(share(), -kWidthPower);
      if (width >= kWideEnough * wanted) break;
      const double per_width = static_cast<double>(walk_.hops()) / width;
      if (per_width * wanted > static_cast<double>(most_hops_)) {
        spent_ = true;
        return false;
      }
      if (!Widen(static_cast<size_t>(std::ceil(std::min(wanted, kMostGrowth * width))))) return false;
    }
    return true;
  }
  // Of the nodes met; of none a half is taken for accepted, so that a wide beam without any is a small share.
  double share() const {
    return accepted_ == asked_ ? 1 : std::max(.5, static_cast<double>(accepted_)) / static_cast<double>(asked_);
  }
  static bool Later(const Answer& a, const Answer& b) { return a.bound > b.bound; }

  const Space& space_;
  G& graph_;
  const Memory memory_;
  Query& query_;
  const Bound bound_;
  const size_t ef_, width_;
  double width_per_answer_ = kWidthPerAnswer;
  const uint8_t without_;
  Accept accept_;
  Walk<G, Search> walk_;
  Array<Answer> pending_;  // a heap, nearest first
  size_t given_ = 0, asked_ = 0, accepted_ = 0;
  double floor_ = -std::numeric_limits<double>::infinity();  // strict order: no answer below it
  size_t most_hops_ = std::numeric_limits<size_t>::max();
  bool glances_ = false;
  double doubt_ = kGlanceDoubt;
  bool started_ = false, widened_ = false, exhausted_ = false, spent_ = false;
};

}  // namespace medvec::hnsw
