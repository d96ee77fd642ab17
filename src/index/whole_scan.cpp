#include "index/whole_scan.hpp"

#include <algorithm>

namespace medvec::index {

namespace {

constexpr int kAhead = 16;  // pages asked for ahead
constexpr size_t kNodesAhead = 8;
// Of more candidates one in so many, by a sample, come into the first heap.
constexpr size_t kSmallHeap = 4096, kHeaps = 32, kSample = 256;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr auto kIsFarther = [](const Candidate& a, const Candidate& b) { return a.low > b.low; };

}  // namespace

void WholeScan::SetGiven(hnsw::Array<NodeId>& given) {
  std::sort(given.begin(), given.end());
  given_ = &given;
}

void WholeScan::ReadAll(hnsw::Array<NodeId>& given) {
  SetGiven(given);
  block_ = kCentreBlock + index_.meta.centre_pages, end_ = RelationGetNumberOfBlocks(index_.relation);
  while (is_ordered() && ReadOn()) {
  }
}

void WholeScan::Read(const hnsw::Array<NodeId>& nodes, hnsw::Array<NodeId>& given) {
  SetGiven(given);
  nodes_ = nodes;
  while (is_ordered() && ReadOn()) {
  }
}

bool WholeScan::ReadOn() {
  if (block_ < end_) {
    if (block_ + kAhead < end_) PrefetchBuffer(index_.relation, MAIN_FORKNUM, block_ + kAhead);
    bool upper;
    if (IsGroup(index_.relation, block_, &upper) && !upper)
      for (uint32_t i = 0; i < index_.meta.blocks_per_group; ++i) Take(block_ * index_.meta.blocks_per_group + i);
    ++block_;
    return true;
  }
  if (next_ == nodes_.size) return false;
  if (next_ + kNodesAhead < nodes_.size) graph_.Prefetch(nodes_[next_ + kNodesAhead]);
  Take(nodes_[next_++]);
  return true;
}

void WholeScan::ReadLater(const hnsw::Array<Candidate>& candidates, hnsw::Array<NodeId>& given) {
  SetGiven(given);
  candidates_ = candidates;
  FillHeap();
  seen_.Reset(ServerMemory(), 0);
}

void WholeScan::Take(NodeId node) {
  const uint8_t* stored = graph_.ReadSlot(node);
  const hnsw::BlockHeader& header = hnsw::Header(stored);
  bool wanted = (header.flags & hnsw::kWritten) && !(header.flags & without_) && header.level == 0;
  if (wanted && (header.flags & hnsw::kShared)) wanted = IsFirst(node);
  hnsw::Answer answer;
  if (wanted) {
    ++visits_;
    const float rank = hnsw::GetKernels(index_.geometry()).visit(index_.space, query_, stored).rank;
    answer = hnsw::AnswerOf(index_.geometry(), bound_, node, stored, rank);
    wanted = accept_(&answer, stored);
  }
  graph_.Release(node);
  if (wanted && !std::binary_search(given_->data, given_->data + given_->size, node))
    queue_.Put({answer, answer.bound < least_});
}

// Of several rows of a node each is a candidate.
bool WholeScan::IsFirst(NodeId node) {
  if (candidates_.data == nullptr) return true;
  if (seen_.Get(node) != nullptr) return false;
  seen_.Put(ServerMemory(), {node, 0, 0, 0});
  return true;
}

double WholeScan::CandidateBound() const {
  return has_candidates() ? bound_.Lower(candidates_.data[heap_].low, 0, 0) : kInfinity;
}

// Most scans take few of many: a heap of all would take longer to make than what is wanted of it.
void WholeScan::FillHeap() {
  Candidate *begin = candidates_.data + later_, *end = candidates_.data + candidates_.size;
  const size_t count = static_cast<size_t>(end - begin);
  if (count > kSmallHeap) {
    float sample[kSample];
    for (size_t i = 0; i < kSample; ++i) sample[i] = begin[i * count / kSample].low;
    std::nth_element(sample, sample + kSample / kHeaps, sample + kSample);
    const float farthest = sample[kSample / kHeaps];
    Candidate* const later = std::partition(begin, end, [farthest](const Candidate& c) { return c.low <= farthest; });
    if (later > begin) end = later;
  }
  std::make_heap(begin, end, kIsFarther);
  heap_ = later_, heap_size_ = static_cast<size_t>(end - begin), later_ += heap_size_;
}

NodeId WholeScan::PopCandidate() {
  Candidate* const heap = candidates_.data + heap_;
  std::pop_heap(heap, heap + heap_size_, kIsFarther);
  const NodeId node = heap[--heap_size_].node;
  if (heap_size_ == 0) FillHeap();
  return node;
}

// Some at a time, so that the memory can be asked for all of them at once.
void WholeScan::ReadSome(double bound) {
  NodeId nodes[kNodesAhead];
  size_t count = 0;
  while (count < kNodesAhead && has_candidates() && CandidateBound() <= bound) {
    nodes[count] = PopCandidate();
    graph_.Prefetch(nodes[count++]);
  }
  for (size_t i = 0; i < count; ++i) Take(nodes[i]);
}

bool WholeScan::Next(hnsw::Answer* answer) {
  while (has_candidates()) {
    if (accept_.IsBeyond(CandidateBound())) ForgetCandidates();
    double bound = kInfinity;
    if (!queue_.is_full()) {
      const Ranked* next = queue_.Peek();
      if (next != nullptr && !next->is_late) bound = next->answer.bound;
    }
    if (CandidateBound() > bound) break;
    ReadSome(bound);
  }
  const Ranked* next = queue_.Peek();
  while (next == nullptr && ReadOn()) next = queue_.Peek();
  if (next == nullptr) return false;
  *answer = next->answer;
  queue_.Pop();
  return true;
}

double WholeScan::PeekBound() {
  const Ranked* next = queue_.Peek();
  return next == nullptr ? CandidateBound() : Min(CandidateBound(), next->answer.bound);
}

}  // namespace medvec::index
