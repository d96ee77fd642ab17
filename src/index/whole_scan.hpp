// The rest of a scan, by reading the whole index, or those nodes that a filter's rows name: all that were not given
// yet, in order of their bounds. For scans that would walk to a good part of these anyway, or whose walk would need
// more memory than work_mem. Pages are read in order, and the sort goes to disk where it must, so that a LIMIT is
// filled with no more memory than the user allows.
#pragma once

#include "index/matches.hpp"

namespace medvec::index {

class WholeScan {
 public:
  // Nodes whose bound is below `least` are too late for their place: they come behind all others. `least` infinite: the
  // order does not matter.
  WholeScan(Index& index, PageGraph& graph, hnsw::Query& query, const hnsw::Bound& bound, uint8_t without,
            const Accept& accept, double least);

  // Collects and sorts the live nodes without the flags `without`, but for those given already (which it puts in
  // order).
  void ReadAll(hnsw::Array<NodeId>& given);
  // The same of these alone.
  void Read(const hnsw::Array<NodeId>& nodes, hnsw::Array<NodeId>& given);
  // The next of them. False: there are no more.
  bool Next(hnsw::Answer* answer);
  // The bound of the one after it; infinity: there is none.
  double PeekBound() const { return has_ahead_ ? ahead_.bound : std::numeric_limits<double>::infinity(); }
  void End();
  // Nodes looked at.
  size_t visits() const { return visits_; }

 private:
  void Take(NodeId node, hnsw::Array<NodeId>& given);
  void Put(const hnsw::Answer& answer);
  void Sort();
  void Fetch();

  Index& index_;
  PageGraph& graph_;
  hnsw::Query& query_;
  const hnsw::Bound bound_;
  const uint8_t without_;
  const Accept accept_;
  const double least_;
  size_t visits_ = 0;
  TupleTableSlot* put_ = nullptr;
  Tuplesortstate* sort_ = nullptr;
  TupleTableSlot* slot_ = nullptr;
  hnsw::Answer ahead_;
  bool has_ahead_ = false;
};

}  // namespace medvec::index
