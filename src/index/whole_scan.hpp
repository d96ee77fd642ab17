// The rest of a scan, by reading the whole index: all nodes that were not given yet, in order of their bounds. For
// scans that would walk to a good part of the index anyway, as under a filter that few rows pass, or whose walk would
// need more memory than work_mem. Pages are read in order, and the sort goes to disk where it must, so that a LIMIT is
// filled with no more memory than the user allows.
#pragma once

#include "core/hnsw/search.hpp"
#include "index/graph.hpp"

namespace medvec::index {

class WholeScan {
 public:
  WholeScan(Index& index, PageGraph& graph) : index_(index), graph_(graph) {}

  // Collects and sorts the live nodes without the flags `without` whose bound is not below `least`, but for those given
  // already (which it puts in order).
  void Read(hnsw::Query& query, const hnsw::Bound& bound, uint8_t without, double least, hnsw::Array<NodeId>& given);
  // The next of them. False: there are no more.
  bool Next(hnsw::Answer* answer);
  // The bound of the one after it; infinity: there is none.
  double PeekBound() const { return has_ahead_ ? ahead_.bound : std::numeric_limits<double>::infinity(); }
  void End();

 private:
  void Fetch();

  Index& index_;
  PageGraph& graph_;
  Tuplesortstate* sort_ = nullptr;
  TupleTableSlot* slot_ = nullptr;
  hnsw::Answer ahead_;
  bool has_ahead_ = false;
};

}  // namespace medvec::index
