// Rows that a filter lets through: whether a node has one, about how many there are, and which.
#pragma once

#include <algorithm>

#include "core/hnsw/search.hpp"
#include "index/graph.hpp"
#include "index/range.hpp"
#include "index/row_codes.hpp"
#include "index/rows.hpp"

namespace medvec::index {

// In an answer's flags, beside the block's: the filter does not know for certain.
inline constexpr uint8_t kRecheck = 128;
// The node's one row has passed the test.
inline constexpr uint8_t kTested = 64;
static_assert(kTested > hnsw::kWritten);

// A question that the row in the table answers. It is asked while no page of the index is locked, and may do what it
// likes.
struct RowTest {
  bool (*passes)(void* context, const ItemPointerData& tuple) = nullptr;
  void* context = nullptr;

  bool is_empty() const { return passes == nullptr; }
  bool operator()(const ItemPointerData& tuple) const { return passes(context, tuple); }
};

// For searches: which nodes may be answers: those with a row that the filter lets through, and that passes the test.
class Accept {
 public:
  // `range`: beyond it there are no answers; may be null.
  Accept(Index& index, PageGraph& graph, RowMap& rows, const Filter& filter, const RowTest& test, const Range* range)
      : index_(&index), graph_(&graph), rows_(&rows), filter_(&filter), test_(test), range_(range) {}

  bool operator()(hnsw::Answer* answer, const uint8_t* block) const {
    if (IsBeyond(answer->bound)) return false;
    return (filter_->is_empty() && test_.is_empty()) || Ask(answer, block);
  }
  // Whether nodes at this distance or farther are no answers.
  bool IsBeyond(double bound) const { return range_ != nullptr && range_->Excludes(bound); }

 private:
  bool Ask(hnsw::Answer* answer, const uint8_t* block) const;
  bool HasPassing(const hnsw::Answer& answer) const;

  Index* index_;
  PageGraph* graph_;
  RowMap* rows_;
  const Filter* filter_;
  RowTest test_;
  const Range* range_;
};

// Calls take(page, rows) with the rows of a row page, which is locked for reading, whose keys match. Returns how many
// rows it has.
template <class Take>
uint32_t ReadRowPage(const Index& index, RowMap& map, BlockNumber block, const Filter& filter, Take take) {
  CHECK_FOR_INTERRUPTS();
  const Buffer buffer = map.Read(block, PageKind::kRows);
  const RowPage page(index, BufferGetPage(buffer));
  RowSet rows = page.Tuples();
  const uint32_t count = rows.Count();
  filter.Judge(page, &rows);
  take(page, rows);
  UnlockReleaseBuffer(buffer);
  return count;
}

struct Estimate {
  double rows, matches;
};
// From some row pages, of no more than tell that there are well over `many` matches.
Estimate EstimateMatches(Index& index, RowMap& rows, const Filter& filter, double many);

struct MatchingRow {
  uint32_t row;
  NodeId node;
};
// All matching rows, in ascending order. False: there are more than `most`; *estimate then says how many, by the row
// pages read until then.
bool CollectMatches(Index& index, RowMap& rows, const Filter& filter, size_t most, const hnsw::Memory& memory,
                    hnsw::Array<MatchingRow>* matches, Estimate* estimate);

// Their nodes, by address, each once.
template <class T>
hnsw::Array<NodeId> NodesOf(const hnsw::Array<T>& rows, const hnsw::Memory& memory) {
  hnsw::Array<NodeId> nodes{};
  nodes.Reserve(memory, rows.size);
  for (size_t i = 0; i < rows.size; ++i) nodes.data[nodes.size++] = rows[i].node;
  std::sort(nodes.begin(), nodes.end());
  nodes.size = static_cast<size_t>(std::unique(nodes.begin(), nodes.end()) - nodes.begin());
  return nodes;
}

// A node that may be an answer, and a distance of the walk's kind (hnsw::Distances) below which it hardly is.
struct Candidate {
  float low;
  NodeId node;
};
struct Candidates {
  hnsw::Array<Candidate> list;
  size_t first_reads;  // of so many the distance has to be read, probably, to be sure of the nearest `answers`
};
// By the rows' codes, which the index must have.
Candidates EstimateDistances(Index& index, RowMap& rows, const hnsw::Query& query,
                             const hnsw::Array<MatchingRow>& matches, size_t answers, const hnsw::Memory& memory);

}  // namespace medvec::index
