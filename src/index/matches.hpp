// Rows that a filter lets through: whether a node has one, about how many there are, and which.
#pragma once

#include "core/hnsw/search.hpp"
#include "index/graph.hpp"
#include "index/range.hpp"
#include "index/rows.hpp"

namespace medvec::index {

// In an answer's flags, beside the block's: the filter does not know for certain.
inline constexpr uint8_t kRecheck = 128;
static_assert(kRecheck > hnsw::kWritten);

// For searches: which nodes may be answers.
class Accept {
 public:
  // `range`: beyond it there are no answers; may be null.
  Accept(Index& index, PageGraph& graph, RowMap& rows, const Filter& filter, const Range* range)
      : index_(&index), graph_(&graph), rows_(&rows), filter_(&filter), range_(range) {}

  bool operator()(hnsw::Answer* answer, const uint8_t* block) const {
    if (range_ != nullptr && range_->Excludes(answer->bound)) return false;
    return filter_->is_empty() || Ask(answer, block);
  }

 private:
  bool Ask(hnsw::Answer* answer, const uint8_t* block) const;

  Index* index_;
  PageGraph* graph_;
  RowMap* rows_;
  const Filter* filter_;
  const Range* range_;
};

struct Estimate {
  double rows, matches;
};
// From some row pages, of no more than tell that there are well over `many` matches.
Estimate EstimateMatches(Index& index, RowMap& rows, const Filter& filter, double many);

// The nodes of all matching rows, by address, each once. False: there are more than `most`; *estimate then says how
// many, by the row pages read until then.
bool CollectMatches(Index& index, RowMap& rows, const Filter& filter, size_t most, const hnsw::Memory& memory,
                    hnsw::Array<NodeId>* nodes, Estimate* estimate);

}  // namespace medvec::index
