// What the algorithms ask of a graph's storage: blocks by address, one at a time.
//
// An implementation over buffer pages pins and locks in Read and Write and lets go in Release and Commit: no algorithm
// here holds two blocks. A block is handed out in one piece; where it spans pages, Read copies it. Read may check for
// interrupts before it takes a lock. Errors leave by longjmp, never by return.
#pragma once

#include <concepts>

#include "core/hnsw/geometry.hpp"

namespace medvec::hnsw {

// Where searches start: a block of the highest level. kNoNode: the graph is empty.
struct Entry {
  NodeId node = kNoNode;
  int level = 0;
};

template <class G>
concept Graph = requires(G& graph, NodeId node) {
  { graph.GetEntry() } -> std::same_as<Entry>;
  { graph.Read(node) } -> std::same_as<const uint8_t*>;  // valid until Release
  {graph.Release(node)};
  {graph.Prefetch(node)};  // a hint: `node` is likely to be read next
};

template <class G>
concept MutableGraph = Graph<G> && requires(G& graph, NodeId node, Entry entry, int level, const uint8_t* block) {
  // Writes a new block of this level; nobody links to it yet. Storage sets its own fields of the header.
  { graph.Append(block, level) } -> std::same_as<NodeId>;
  { graph.Write(node) } -> std::same_as<uint8_t*>;  // valid until Commit; nobody else reads or writes meanwhile
  {graph.Commit(node, true)};                       // false: nothing was changed
  // Who will replace the entry holds its lock from reading to replacing it: nobody else replaces it meanwhile.
  {graph.LockEntry()};
  {graph.ReplaceEntry(entry)};
  {graph.UnlockEntry()};
};

}  // namespace medvec::hnsw
