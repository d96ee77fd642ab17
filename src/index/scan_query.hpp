// What a scan asks for: the query vector in the form the core wants, and a search for it.
#pragma once

#include <new>

#include "core/hnsw/search.hpp"
#include "index/graph.hpp"
#include "index/options.hpp"

namespace medvec::index {

enum class QueryKind {
  kVector,
  kNull,    // ORDER BY v <-> NULL: all rows, in any order
  kNowhere  // a zero vector under cosine: all distances are NaN
};

struct ScanQuery {
  // With buffers in the current memory context, used for one query after the other.
  explicit ScanQuery(const Index& index);
  // What it makes of the value lies in the current memory context and has to stay as long as the search.
  void Load(const Index& index, Datum value, bool is_null);

  void* buffer;
  hnsw::Query query;
  hnsw::Bound bound;
  QueryKind kind;
};

// About how many nodes the index has, dead ones counted.
inline double NodeCount(const Index& index) {
  const double blocks = RelationGetNumberOfBlocks(index.relation);
  return blocks * index.meta.blocks_per_group / index.meta.pages_per_group;
}

// A search by the session's ef_search, in the current memory context; its lists are in `memory`.
template <class Accept = hnsw::AcceptAll>
hnsw::Search<PageGraph, Accept>* NewSearch(const Index& index, PageGraph& graph, const hnsw::Memory& memory,
                                           ScanQuery* query, uint8_t without, Accept accept = {}) {
  using Search = hnsw::Search<PageGraph, Accept>;
  const size_t ef = static_cast<size_t>(settings::ef_search);
  const size_t width = hnsw::BeamWidth(ef, index.meta.m, index.meta.max_degree);
  return new (palloc(sizeof(Search)))
      Search(index.space, graph, memory, query->query, query->bound, ef, width, without, accept);
}

}  // namespace medvec::index
