// The rest of a scan, by reading the whole index, or those nodes that a filter's rows name: all that were not given
// yet, in order of their bounds. For scans that would walk to a good part of these anyway, or whose walk would need
// more memory than work_mem. Pages are read in order, and the sort goes to disk where it must, so that a LIMIT is
// filled with no more memory than the user allows.
//
// Of nodes whose distances are estimated only those are read that may be next; the others wait in a heap.
#pragma once

#include "index/answer_queue.hpp"
#include "index/matches.hpp"

namespace medvec::index {

class WholeScan {
 public:
  // Nodes whose bound is below `least` are too late for their place: they come behind all others. `least` infinite: the
  // order does not matter, and nodes are read as they are asked for.
  WholeScan(Index& index, PageGraph& graph, hnsw::Query& query, const hnsw::Bound& bound, uint8_t without,
            const Accept& accept, double least)
      : index_(index), graph_(graph), query_(query), bound_(bound), without_(without), accept_(accept), least_(least) {}

  // Reads the live nodes without the flags `without`, but for those given already (which it puts in order, and which
  // must stay as they are).
  void ReadAll(hnsw::Array<NodeId>& given);
  // The same of these alone, in ascending order.
  void Read(const hnsw::Array<NodeId>& nodes, hnsw::Array<NodeId>& given);
  // The same of these, when their turn comes. A node may be there several times.
  void ReadLater(const hnsw::Array<Candidate>& candidates, hnsw::Array<NodeId>& given);
  // The next of them. False: there are no more.
  bool Next(hnsw::Answer* answer);
  // The bound of the one after it, as far as is known; infinity: there is none.
  double PeekBound();
  void RaiseLeast(double least) { least_ = Max(least_, least); }
  void End() { queue_.End(); }
  // Nodes looked at.
  size_t visits() const { return visits_; }

 private:
  void SetGiven(hnsw::Array<NodeId>& given);
  void Take(NodeId node);
  // Whether it is the first time, or is not asked for twice.
  bool IsFirst(NodeId node);
  bool has_candidates() const { return heap_size_ > 0; }
  void ForgetCandidates() { heap_size_ = 0, later_ = candidates_.size; }
  // Below this no candidate is likely to be.
  double CandidateBound() const;
  NodeId PopCandidate();
  // When the heap is empty: the nearest of the later ones become the heap.
  void FillHeap();
  // Reads candidates that may be below `bound`.
  void ReadSome(double bound);
  // The next ones of those to be read in order of address. False: there are no more.
  bool ReadOn();
  bool is_ordered() const { return least_ < std::numeric_limits<double>::infinity(); }

  Index& index_;
  PageGraph& graph_;
  hnsw::Query& query_;
  const hnsw::Bound bound_;
  const uint8_t without_;
  const Accept accept_;
  double least_;
  size_t visits_ = 0;
  const hnsw::Array<NodeId>* given_ = nullptr;
  BlockNumber block_ = 0, end_ = 0;  // what is to be read of the whole index,
  hnsw::Array<NodeId> nodes_ = {};   // or of these from
  size_t next_ = 0;                  // this one on
  AnswerQueue queue_;
  hnsw::Array<Candidate> candidates_ = {};  // taken ones; a heap, empty only if no others are left; later ones:
  size_t heap_ = 0, heap_size_ = 0, later_ = 0;
  hnsw::NodeMap seen_;  // of the candidates those that have several rows, and were read
};

}  // namespace medvec::index
