// Insertion (Malkov and Yashunin 2018, Algorithm 1).
#pragma once

#include <cmath>

#include "core/hnsw/link.hpp"
#include "core/hnsw/search.hpp"
#include "core/hnsw/select.hpp"
#include "core/stop_point.hpp"

namespace medvec::hnsw {

struct InsertParameters {
  size_t ef_construction = 64;  // the beam is half as wide, and half as many again are visited on a level at most
  size_t new_links = 0;         // diverse links and fillers of a new node: 0 means two thirds of the slots
  size_t diverse_links = 0;     // of which diverse at most: 0 means all
  size_t pool = 48;             // fillers are chosen among so many
  size_t told = 0;              // neighbours that are told of the new node at most, diverse ones first: 0 means all
  bool look_again = true;       // vacuum may run at the same time
};

// The level of a new node: l with probability ratio^-l, from 64 random bits. Flatter than the paper's 1/m: see the
// README.
inline constexpr double kLevelRatio = 64;
inline constexpr int kMaxLevel = 7;
inline int DrawLevel(uint64_t random, double ratio = kLevelRatio) {
  const double uniform = (static_cast<double>(random >> 11) + 1) * 0x1p-53;  // in (0, 1]
  return std::min(kMaxLevel, static_cast<int>(-std::log2(uniform) / std::log2(ratio)));
}

// Squares of distances: twice as far as the links of the neighbour, but for its nearest quarter.
inline constexpr float kApart = 4;

// So much wider is the second look of a node that seems to stand apart.
inline constexpr size_t kWider = 4;

// An insertion's beam is at least so wide, however small ef_construction is.
inline constexpr size_t kLeastBeam = 16;

struct Inserted {
  NodeId node;     // on level 0: the new node, or the one that holds the same vector
  bool duplicate;  // the same: the caller adds its row there
  float error;     // |v - stored v|, of this vector
};

// One insertion: searches and chooses on all levels before it writes anything, then writes from the bottom up.
template <MutableGraph G>
class Insertion {
 public:
  Insertion(const Space& space, G& graph, const Memory& memory, const Input& input, int level,
            const InsertParameters& parameters)
      : Insertion(space, graph, memory, level, parameters) {
    std::memset(own_, 0, g_.block_size);
    query_ = kernels_.make_query(space, input, query_buffer_);
    kernels_.encode_vector(space, query_, own_);
  }
  // For Connect: the block is there already.
  Insertion(const Space& space, G& graph, const Memory& memory, NodeId node, const InsertParameters& parameters)
      : Insertion(space, graph, memory, 0, parameters) {
    std::memcpy(own_, graph.Read(node), g_.block_size);
    graph.Release(node);
    level_ = std::min<int>(Header(own_).level, kMaxLevel);
    query_ = kernels_.query_of(space, OwnVector(g_, own_), query_buffer_);
  }
  Insertion(const Insertion&) = delete;

  Inserted Run() {
    Entry entry = graph_.GetEntry();
    bool locked = false;
    NodeId twin = kNoNode;
    for (;;) {
      // Who will become the entry, because there is none, or none on so high a level, or none that leads to a live
      // node, searches and writes under the entry's lock: two at a time would not be linked to each other.
      const bool raises = entry.node == kNoNode || level_ > entry.level;
      if (raises && !locked) {
        graph_.LockEntry();
        locked = true;
        entry = graph_.GetEntry();
      }
      twin = Choose(entry);
      if (level_ == 0 && twin == kNoNode && (entry.node == kNoNode || StandsApart())) {
        // Or the search has missed its cluster: looks more widely before it believes that.
        if (entry.node == kNoNode || wide_)
          level_ = 1;
        else
          wide_ = true;
        continue;
      }
      if (levels_[0].found.size > 0 || locked) break;
      graph_.LockEntry();
      locked = true;
      entry = graph_.GetEntry();
    }
    if (twin != kNoNode) {
      if (locked) graph_.UnlockEntry();
      MEDVEC_STOP_POINT("insert-twin");
      return {twin, true, Header(own_).error};
    }
    MEDVEC_STOP_POINT("insert-chosen");
    const bool raises = entry.node == kNoNode || level_ > entry.level || levels_[0].found.size == 0;
    const int top = entry.node == kNoNode ? -1 : entry.level;
    NodeId below = kNoNode, bottom = kNoNode;
    for (int l = 0; l <= level_; ++l) {
      bool linked = false;
      below = WriteLevel(l, below, &linked);
      if (l == 0) bottom = below;
      // At once: a block of the next level would lead searches here, and the entry to nobody.
      if (!linked && l <= top) locked = Connect(below, l, locked);
    }
    if (raises) graph_.ReplaceEntry({below, level_});
    if (locked) graph_.UnlockEntry();
    return {bottom, false, Header(own_).error};
  }

  // Whether the new node is much farther from its nearest neighbour than that one from its own: the first of a cluster,
  // as when rows come series by series. It goes to level 1, so that a descent finds the cluster; with nodes drawn by
  // chance alone, one in 64, most clusters of 40 would have none there, and the links between clusters are too few to
  // walk by. By inner product distance says nothing of this.
  bool StandsApart() {
    if (g_.metric == Metric::kInnerProduct || levels_[0].found.size == 0) return false;
    const Candidate& nearest = levels_[0].found[0];
    const uint8_t* block = graph_.Read(nearest.node);
    const size_t degree = std::min<size_t>(Header(block).degree, g_.max_degree);
    float distances[kMaxDegree + 16];
    LinkDistances(space_, block, scratch_, distances);
    graph_.Release(nearest.node);
    if (degree == 0) return false;
    std::nth_element(distances, distances + degree / 4, distances + degree);
    return nearest.key > kApart * distances[degree / 4];
  }

  // Links a block of level `l` that no live one links to, or that links to none: its neighbours have died meanwhile, or
  // all have nearer ones.
  // `locked`, and the answer: whether the entry's lock is held.
  bool Connect(NodeId node, int l, bool locked) {
    Level& level = levels_[l];
    for (;;) {
      const Entry entry = graph_.GetEntry();
      level.Free(memory_);
      if (entry.node != kNoNode) FindLive(l, DescendFrom(space_, graph_, memory_, query_, entry, l), node);
      if (level.found.size > 0) {
        Select(&level);
        if (LinkBothWays(node, level)) return locked;
        // All of them are dead by now.
      } else if (locked) {
        graph_.ReplaceEntry({node, l});
        return locked;
      } else {
        graph_.LockEntry();
        locked = true;
      }
    }
  }

  int level() const { return level_; }
  void Free() {
    for (Level& level : levels_) level.Free(memory_);
    memory_.Release(scratch_);
    memory_.Release(query_buffer_);
    memory_.Release(own_);
  }

 private:
  Insertion(const Space& space, G& graph, const Memory& memory, int level, const InsertParameters& parameters)
      : space_(space),
        graph_(graph),
        memory_(memory),
        g_(space.geometry),
        kernels_(GetKernels(space.geometry)),
        level_(level),
        parameters_(parameters) {
    own_ = memory.Allocate<uint8_t>(g_.block_size);
    query_buffer_ = memory.allocate(memory.context, QueryBufferSize(g_));
    scratch_ = memory.allocate(memory.context, AddLinkScratchSize(g_));
  }

  struct Level {
    Array<Candidate> found;
    Array<uint8_t*> copies;
    size_t chosen = 0, diverse = 0;
    void Free(const Memory& memory) {
      for (size_t i = 0; i < copies.size; ++i) memory.Release(copies[i]);
      copies.Free(memory);
      found.Free(memory);
      chosen = diverse = 0;
    }
  };

  // The walk's callback: collects the live nodes visited, with copies of their vectors.
  struct Collector {
    const Geometry& geometry;
    const Memory& memory;
    const Kernels& kernels;
    const int wanted;
    const NodeId without;
    Level& level;

    static constexpr size_t kBatch = 32;

    bool Visit(NodeId node, const uint8_t* block, const Distances& distances) {
      const BlockHeader& header = Header(block);
      // Another level: what an insertion that failed half-way linked to has died, and its slot is used again.
      if ((header.flags & kDead) || header.level != wanted || node == without) return false;
      const size_t size = geometry.vector_size();
      if (level.found.size / kBatch == level.copies.size)
        level.copies.Append(memory, memory.Allocate<uint8_t>(kBatch * size));
      uint8_t* copy = level.copies[level.found.size / kBatch] + level.found.size % kBatch * size;
      std::memcpy(copy, Vector(geometry, block), size);
      level.found.Append(memory, {distances.navigation, node, copy, header.scale,
                                  kernels.norm(geometry, copy, header.scale), 0, 0, 0});
      return true;
    }
  };

  // Chooses neighbours on all levels that there are. Returns a live node with the same stored vector, if there is one.
  NodeId Choose(Entry entry) {
    const int top = std::min(level_, entry.node == kNoNode ? -1 : entry.level);
    for (Level& level : levels_) level.Free(memory_);
    NodeId start = top >= 0 ? DescendFrom(space_, graph_, memory_, query_, entry, top) : kNoNode;
    for (int l = top; l >= 0; --l) {
      Level& level = levels_[l];
      FindLive(l, start, kNoNode);
      if (l > 0 && level.found.size > 0) {
        start = Header(graph_.Read(level.found[0].node)).target;
        graph_.Release(level.found[0].node);
      } else if (l > 0) {  // all dead: go on below the entry
        start = DescendFrom(space_, graph_, memory_, query_, entry, l - 1);
      } else {
        for (const Candidate& c : level.found)
          if (c.scale == Header(own_).scale && std::memcmp(c.stored, Vector(g_, own_), g_.vector_size()) == 0)
            return c.node;
      }
      Select(&level);
    }
    return kNoNode;
  }

  // The live nodes of level `l` that a walk from `start` meets, nearest first, but for the node `without`.
  void FindLive(int l, NodeId start, NodeId without) {
    const size_t ef = parameters_.ef_construction * (wide_ ? kWider : 1);
    const size_t most = std::max(ef * 3 / 2, 2 * kLeastBeam);
    Level& level = levels_[l];
    Collector collector{g_, memory_, kernels_, l, without, level};
    Walk<G, Collector> walk(space_, graph_, memory_, query_, collector);
    walk.Start(std::max(ef / 2, kLeastBeam), false, false);
    walk.Add(start);
    while (level.found.size < most && walk.Step()) continue;
    walk.Free();
    std::sort(level.found.begin(), level.found.end(),
              [](const Candidate& a, const Candidate& b) { return a.key < b.key; });
  }

  void Select(Level* level) {
    const size_t limit = parameters_.new_links != 0 ? std::min<size_t>(parameters_.new_links, g_.max_degree)
                                                    : (2 * size_t{g_.max_degree} + 2) / 3;
    const size_t diverse = parameters_.diverse_links != 0 ? std::min(parameters_.diverse_links, limit) : limit;
    level->chosen =
        SelectNeighbours(g_, level->found.data, level->found.size, limit, parameters_.pool, &level->diverse);
    level->diverse = std::min(level->diverse, diverse);
  }

  // Writes the block of level `l` over `below`, and tells its neighbours. *linked: it knows some live node, and one it.
  NodeId WriteLevel(int l, NodeId below, bool* linked) {
    const Level& level = levels_[l];
    BlockHeader& header = Header(own_);
    header.level = static_cast<uint8_t>(l);
    header.target = below;
    header.degree = 0;
    for (size_t i = 0; i < level.chosen; ++i)
      SetLink(space_, own_, i, level.found[i].node, {level.found[i].stored, level.found[i].scale}, i >= level.diverse,
              scratch_);
    const NodeId node = graph_.Append(own_, l);
    MEDVEC_STOP_POINT("insert-written");
    *linked = Tell(node, level);
    MEDVEC_STOP_POINT("insert-linked");
    if (parameters_.look_again && !DropDeadLinks(node, level)) *linked = false;
    return node;
  }

  // Returns whether a live neighbour links to the node now.
  bool Tell(NodeId node, const Level& level) {
    bool told = false, anchored = false;
    const size_t most = parameters_.told != 0 ? std::min(parameters_.told, level.chosen) : level.chosen;
    for (size_t i = 0; i < most; ++i) {
      const Welcome welcome = anchored ? Welcome::kIfItFits : Welcome::kAnchored;
      const Linked linked =
          AddLink(space_, graph_, query_, OwnVector(g_, own_), scratch_, level.found[i].node, node, welcome);
      told |= linked != Linked::kNo;
      anchored |= linked == Linked::kForGood;
    }
    return told;
  }

  // Links the node with what was chosen. False: all are dead by now.
  bool LinkBothWays(NodeId node, const Level& level) {
    void* buffer = memory_.allocate(memory_.context, QueryBufferSize(g_));
    for (size_t i = 0; i < level.chosen; ++i) {
      const Stored stored{level.found[i].stored, level.found[i].scale};
      Query query = kernels_.query_of(space_, stored, buffer);
      AddLink(space_, graph_, query, stored, scratch_, node, level.found[i].node);
    }
    memory_.Release(buffer);
    bool told = Tell(node, level);
    for (size_t i = 0; i < level.chosen && !told; ++i)
      told = AddLink(space_, graph_, query_, OwnVector(g_, own_), scratch_, level.found[i].node, node,
                     Welcome::kForced) != Linked::kNo;
    if (parameters_.look_again && !DropDeadLinks(node, level)) return false;
    return told;
  }

  // A neighbour that was alive when it was chosen may have died before the new block was there for vacuum to mend.
  // Vacuum mends after it has marked all its dead, so who dies after this look is dropped by vacuum.
  // Returns whether one is alive.
  bool DropDeadLinks(NodeId node, const Level& level) {
    bool any = false;
    for (size_t i = 0; i < level.chosen; ++i) {
      const NodeId neighbour = level.found[i].node;
      const bool dead = Header(graph_.Read(neighbour)).flags & kDead;
      graph_.Release(neighbour);
      any |= !dead;
      if (!dead) continue;
      uint8_t* block = graph_.Write(node);
      bool changed = false;
      for (size_t k = Header(block).degree; k-- > 0;)
        if (Links(block)[k] == neighbour) DropLink(g_, block, k), changed = true;
      graph_.Commit(node, changed);
    }
    return any;
  }

  const Space& space_;
  G& graph_;
  const Memory memory_;
  const Geometry& g_;
  const Kernels& kernels_;
  int level_;
  const InsertParameters parameters_;
  bool wide_ = false;
  uint8_t* own_;  // the block as it will be, to compare with others and to copy from
  void *query_buffer_, *scratch_;
  Query query_;
  Level levels_[kMaxLevel + 1];
};

template <MutableGraph G>
Inserted Insert(const Space& space, G& graph, const Memory& memory, const Input& input, int level,
                const InsertParameters& parameters) {
  Insertion<G> insertion(space, graph, memory, input, level, parameters);
  const Inserted inserted = insertion.Run();
  insertion.Free();
  return inserted;
}

// For a block that is out of reach: links it on its level as an insertion would.
template <MutableGraph G>
void Connect(const Space& space, G& graph, const Memory& memory, NodeId node, const InsertParameters& parameters) {
  Insertion<G> insertion(space, graph, memory, node, parameters);
  if (insertion.Connect(node, insertion.level(), false)) graph.UnlockEntry();
  insertion.Free();
}

}  // namespace medvec::hnsw
