// What a scan asks for: the query vector in the form the core wants.
#pragma once

#include "core/hnsw/bound.hpp"
#include "index/index.hpp"

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

}  // namespace medvec::index
