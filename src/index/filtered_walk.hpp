// A walk whose answers are rows that pass a test: what the custom scan (planner/filtered_scan) asks of an index. Nodes
// without such a row are walked through and take no place in the beam. The answers come as a stream in the order of
// their lower bounds, late finds included; the caller makes distances exact.
#pragma once

#include <span>

#include "index/rows.hpp"
#include "index/scan_query.hpp"

namespace medvec::index {

// Whether a heap tuple is wanted. It is asked while no page is locked, and may do what it likes.
struct RowTest {
  bool (*passes)(void* context, const ItemPointerData& tuple);
  void* context;

  bool operator()(const ItemPointerData& tuple) const { return passes(context, tuple); }
};

class FilteredWalk {
 public:
  // What lasts over several queries lies in the current memory context.
  explicit FilteredWalk(Relation index);

  // About how many nodes there are.
  double nodes() const { return NodeCount(index_); }
  // Bytes of a vector in the table, where they are known.
  size_t vector_bytes() const { return index_.meta.dim * static_cast<size_t>(index_.operators.element_bytes); }

  // Begins anew, for another query or test. The walk gives up (kSpent) when it has read `budget` nodes. False: nothing
  // is near to the query, which is NULL or has no direction.
  bool Start(Datum query, bool is_null, const RowTest& test, size_t budget);

  enum class Result {
    kAnswer,
    kEnd,   // all that links lead to has been visited
    kSpent  // so has the budget, or work_mem
  };
  // The next answer's bounds, and the rows of its node that pass.
  Result Next();
  double lower() const { return answer_.bound; }
  double upper() const { return answer_.upper; }
  std::span<const ItemPointerData> tuples() const { return {tuples_.data, tuples_.size}; }
  // The bound of the answer after it, if one is known without walking on.
  std::optional<double> PeekBound() const { return search_->PeekBound(); }
  // Nobody sees the answer's row any more.
  void Hide();

  // Of all queries so far.
  uint64 nodes_visited() const { return visited_before_ + (search_ == nullptr ? 0 : search_->hops()); }
  uint64 pages_read() const { return graph_.reads(); }

  void End();

 private:
  // Of a node: whether one of its rows passes.
  struct Accept {
    FilteredWalk* walk;
    bool operator()(NodeId, const uint8_t*) const { return true; }
    bool Confirm(const hnsw::Answer& answer) const { return walk->HasRow(answer); }
  };
  using Search = hnsw::Search<PageGraph, Accept>;

  bool HasRow(const hnsw::Answer& answer);
  void Collect(const hnsw::Answer& answer);

  Index& index_;
  PageGraph graph_;
  RowMap rows_;
  ScanQuery query_;
  MemoryContext context_;  // of one query
  RowTest test_ = {};
  size_t budget_ = 0, matches_ = 0;  // nodes that passed so far
  Search* search_ = nullptr;
  hnsw::Answer answer_;
  hnsw::Array<ItemPointerData> tuples_;           // of the node looked at
  uint64 visited_before_ = 0, reads_before_ = 0;  // by earlier queries
};

}  // namespace medvec::index
