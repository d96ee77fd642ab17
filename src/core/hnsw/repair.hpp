// Repair of a node some of whose neighbours died: for vacuum, one pass over the blocks, without searching the graph
// anew.
#pragma once

#include "core/hnsw/link.hpp"
#include "core/hnsw/walk.hpp"

namespace medvec::hnsw {

struct Replacement {
  float key;  // distance, or its estimate
  NodeId node;
};

// The live nodes that a walk from `node` meets, its own neighbours among them.
template <MutableGraph G, class IsDead>
void FindAround(const Space& space, G& graph, const Memory& memory, Query& query, NodeId node, int level,
                const IsDead& is_dead, Array<Replacement>* found) {
  struct Collector {
    const Memory& memory;
    const NodeId node;
    const int level;
    const IsDead& is_dead;
    Array<Replacement>* found;
    bool Visit(NodeId visited, const uint8_t* block, const Distances& distances) {
      const BlockHeader& header = Header(block);
      if ((header.flags & kDead) || header.level != level || is_dead(visited) || visited == node) return false;
      found->Append(memory, {distances.navigation, visited});
      return true;
    }
  };
  Collector collector{memory, node, level, is_dead, found};
  Walk<G, Collector> walk(space, graph, memory, query, collector);
  walk.Start(space.geometry.max_degree, false, false);
  walk.Add(node);
  walk.Run();
  walk.Free();
}

// Drops the links of `node` to dead nodes and mends the hole from the dead nodes' own neighbours: the nearest of them
// by estimate, as many as links were dropped, are read and linked as an insertion would. Where most neighbours of the
// dead are dead too, a walk through them finds those who live. `is_dead(node)` says who is dead; it must not take locks
// of the graph. Returns the number of links dropped.
//
// The dead blocks must still hold their links: storage keeps them until no link leads there any more.
template <MutableGraph G, class IsDead>
size_t Repair(const Space& space, G& graph, const Memory& memory, NodeId node, IsDead is_dead) {
  const Geometry& g = space.geometry;
  const Kernels& kernels = GetKernels(g);
  const uint8_t* seen = graph.Read(node);
  NodeId dead[kMaxDegree], kept[kMaxDegree];
  size_t dead_count = 0, kept_count = 0;
  const size_t degree = std::min<size_t>(Header(seen).degree, g.max_degree);
  for (size_t i = 0; i < degree; ++i)
    (is_dead(Links(seen)[i]) ? dead[dead_count++] : kept[kept_count++]) = Links(seen)[i];
  if (dead_count == 0) {
    graph.Release(node);
    return 0;
  }
  const size_t query_size = (QueryBufferSize(g) + 7) / 8 * 8, scratch_size = (AddLinkScratchSize(g) + 7) / 8 * 8;
  uint8_t* buffer = memory.Allocate<uint8_t>(query_size + scratch_size + g.vector_size());
  uint8_t *scratch = buffer + query_size, *copy = scratch + scratch_size;
  Query query = kernels.query_of(space, OwnVector(g, seen), buffer);
  const int level = Header(seen).level;
  graph.Release(node);

  // The neighbours of the dead, by estimated distance.
  Array<Replacement> found;
  for (size_t i = 0; i < dead_count; ++i) {
    const uint8_t* block = graph.Read(dead[i]);
    const size_t candidates = std::min<size_t>(Header(block).degree, g.max_degree);
    float estimates[kMaxDegree + 16], deviations[kMaxDegree + 16];
    NodeId links[kMaxDegree];
    std::memcpy(links, Links(block), candidates * sizeof(NodeId));
    if (g.has_codes())
      kernels.estimate(space, query, block, kernels.visit(space, query, block).navigation, estimates, deviations);
    graph.Release(dead[i]);
    for (size_t k = 0; k < candidates; ++k) {
      if (links[k] == node || is_dead(links[k])) continue;
      if (!g.has_codes()) {
        estimates[k] = kernels.visit(space, query, graph.Read(links[k])).navigation;
        graph.Release(links[k]);
      }
      found.Append(memory, {estimates[k], links[k]});
    }
  }
  // Several of the dead may name one node, by different estimates: the least counts.
  const auto is_kept = [&](const Replacement& r) {
    return std::find(kept, kept + kept_count, r.node) != kept + kept_count;
  };
  std::sort(found.begin(), found.end(), [](const Replacement& a, const Replacement& b) {
    return a.node != b.node ? a.node < b.node : a.key < b.key;
  });
  found.size =
      static_cast<size_t>(std::unique(found.begin(), found.end(),
                                      [](const Replacement& a, const Replacement& b) { return a.node == b.node; }) -
                          found.begin());
  found.size = static_cast<size_t>(std::remove_if(found.begin(), found.end(), is_kept) - found.begin());
  if (found.size < dead_count) {
    found.size = 0;
    FindAround(space, graph, memory, query, node, level, is_dead, &found);
    found.size = static_cast<size_t>(std::remove_if(found.begin(), found.end(), is_kept) - found.begin());
  }
  std::sort(found.begin(), found.end(), [](const Replacement& a, const Replacement& b) { return a.key < b.key; });

  uint8_t* block = graph.Write(node);
  for (size_t i = Header(block).degree; i-- > 0;)
    if (is_dead(Links(block)[i])) DropLink(g, block, i);
  graph.Commit(node, true);

  size_t mended = 0;
  for (size_t i = 0; i < found.size && mended < dead_count; ++i) {
    const NodeId candidate = found[i].node;
    const uint8_t* read = graph.Read(candidate);
    const BlockHeader& header = Header(read);
    const bool fits = !(header.flags & kDead) && header.level == level;
    const Stored stored{copy, header.scale};
    if (fits) std::memcpy(copy, Vector(g, read), g.vector_size());
    graph.Release(candidate);
    if (!fits) continue;
    Query asking = kernels.query_of(space, stored, buffer);
    AddLink(space, graph, asking, stored, scratch, node, candidate);
    ++mended;
  }
  found.Free(memory);
  memory.Release(buffer);
  return dead_count;
}

}  // namespace medvec::hnsw
