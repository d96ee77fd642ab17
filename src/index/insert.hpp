// Putting one value into the index: what INSERT and the build have in common.
#pragma once

#include "core/hnsw/insert.hpp"
#include "index/graph.hpp"

namespace medvec::index {

// `concurrently`: others may insert and vacuum at the same time.
hnsw::InsertParameters ParametersOf(const Index& index, bool concurrently);

// Memory and parameters for insertions one after the other.
class Inserter {
 public:
  Inserter(Index& index, bool concurrently);

  // Adds the heap tuple with the values of all its columns, of which the first is not NULL. False: the operator class
  // does not index this value. What it takes in memory is given back.
  bool Insert(const Datum* values, const bool* is_null, const ItemPointerData& tuple);

  PageGraph& graph() { return graph_; }

 private:
  Index& index_;
  PageGraph graph_;
  hnsw::InsertParameters parameters_;
  uint8_t keys_[kMaxKeyBytes];
  MemoryContext context_;  // of one insertion
};

// aminsert.
bool InsertTuple(Relation relation, Datum* values, bool* is_null, ItemPointer tuple, Relation heap,
                 IndexUniqueCheck check_unique, bool index_unchanged, struct IndexInfo* info);

}  // namespace medvec::index
