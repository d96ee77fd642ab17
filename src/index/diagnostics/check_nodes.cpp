#include <cmath>
#include <limits>

#include "core/hnsw/insert.hpp"
#include "index/diagnostics/checker.hpp"

namespace medvec::index {

namespace {

using hnsw::BlockHeader;

// Calls each(node, block) for each written block of a whole group, in the order of pages. The block is a copy.
template <class Each>
void ForBlocks(Checker& checker, Each each) {
  const Meta& meta = checker.index.meta;
  uint8_t* group =
      static_cast<uint8_t*>(MemoryContextAllocHuge(CurrentMemoryContext, size_t{meta.pages_per_group} * kUsable + 64));
  for (BlockNumber first = 0; first < checker.blocks; ++first) {
    if (!checker.pages[first].whole) continue;
    CHECK_FOR_INTERRUPTS();
    checker.ReadGroup(first, group);
    for (uint32_t slot = 0; slot < meta.blocks_per_group; ++slot) {
      const uint64 node = uint64{first} * meta.blocks_per_group + slot;
      const uint8_t* block = group + size_t{slot} * meta.block_size;
      if (node < checker.addresses && (hnsw::Header(block).flags & hnsw::kWritten))
        each(static_cast<NodeId>(node), block);
    }
  }
  pfree(group);
}

// The greatest error that storing a vector can make: half a step a dimension. What a sparse vector's block leaves out
// may be of any length.
double GreatestError(const hnsw::Geometry& g, float scale) {
  if (g.codec == hnsw::VectorCodec::kSparse) return std::numeric_limits<double>::infinity();
  if (g.codec == hnsw::VectorCodec::kBits) return 0;
  const double half_step = g.has_levels()                           ? 0.5 / hnsw::PartsOfLevel(g.codec)
                           : g.codec == hnsw::VectorCodec::kFloat16 ? 0x1p-11
                                                                    : 0;
  // A 32nd of it is for what float32 loses. A vector too short for a scale is stored as zero.
  return std::sqrt(static_cast<double>(g.dim)) * (half_step * scale * (1 + 1.0 / 32) + 1e-36);
}

void CheckHeader(Checker& checker, NodeId node, const BlockHeader& header) {
  constexpr uint8_t kKnown = hnsw::kDead | hnsw::kHidden | hnsw::kShared | hnsw::kClosed | hnsw::kWritten;
  const hnsw::Geometry& g = checker.index.geometry();
  const PageState& page = checker.pages[node / checker.index.meta.blocks_per_group];
  const bool upper = page.position & kUpperLevels;
  checker.State(node) = static_cast<uint8_t>(kStateWritten | (header.flags & hnsw::kDead ? kStateDead : 0) |
                                             (header.flags & hnsw::kClosed ? kStateClosed : 0) |
                                             Min(header.level, static_cast<uint8_t>(hnsw::kMaxLevel)));
  if (header.flags & ~kKnown) checker.ReportNode(node, "it has unknown flags");
  if ((header.flags & hnsw::kClosed) && !(header.flags & hnsw::kDead))
    checker.ReportNode(node, "it is closed and not dead");
  if (upper ? header.level == 0 || header.level > hnsw::kMaxLevel : header.level != 0)
    checker.ReportNode(node, "its level is not that of its group");
  if (upper && (header.flags & (hnsw::kShared | hnsw::kHidden))) checker.ReportNode(node, "it has flags of level 0");
  if (upper && !page.named) checker.ReportNode(node, "no directory names its group");
  if (header.degree > g.max_degree) checker.ReportNode(node, "it has more links than there is room for");
  if (header.anchors > header.degree) checker.ReportNode(node, "it has more anchors than links");
  if (!(std::isfinite(header.scale) && header.scale >= 0))
    checker.ReportNode(node, "the scale of its vector is impossible");
  else if (!(header.error >= 0 && header.error <= GreatestError(g, header.scale)))
    checker.ReportNode(node, "the error of its vector is impossible");
}

// Links, one after the other.
class LinkCheck {
 public:
  explicit LinkCheck(Checker& checker)
      : checker_(checker), g_(checker.index.geometry()), kernels_(hnsw::GetKernels(g_)) {
    scratch_ = palloc(hnsw::LinkScratchSize(g_));
    stored_ = static_cast<uint8_t*>(palloc(g_.vector_size() + 64));
    code_ = static_cast<uint8_t*>(palloc(g_.code_size() + 64));
  }

  void Check(NodeId node, const uint8_t* block) {
    const BlockHeader& header = hnsw::Header(block);
    if (!kernels_.is_sound(checker_.index.space, hnsw::OwnVector(g_, block)))
      return checker_.ReportNode(node, "its vector is impossible");
    const size_t degree = Min(header.degree, g_.max_degree);
    const bool is_seen = IsSeen(checker_, node);
    for (size_t i = 0; i < degree; ++i) {
      const NodeId neighbour = hnsw::Links(block)[i];
      const char* fault = Fault(node, header, block, i, neighbour, is_seen);
      if (fault == nullptr && is_seen) fault = CodeFault(block, i, neighbour);
      if (fault != nullptr)
        checker_.Report(PlaceOf(checker_.index, node).first, node, "link %zu, to node %u, %s", i, neighbour, fault);
    }
  }

  // The block one level below has the same vector.
  bool IsAbove(const uint8_t* block, NodeId below) {
    BlockHeader header;
    checker_.ReadBytes(below, 0, sizeof header, reinterpret_cast<uint8_t*>(&header));
    checker_.ReadBytes(below, g_.vector, static_cast<uint32_t>(g_.vector_size()), stored_);
    return header.scale == hnsw::Header(block).scale && memcmp(stored_, hnsw::Vector(g_, block), g_.vector_size()) == 0;
  }

 private:
  const char* Fault(NodeId node, const BlockHeader& header, const uint8_t* block, size_t link, NodeId neighbour,
                    bool is_seen) {
    const uint8_t state = checker_.StateOf(neighbour);
    if (neighbour == node) return "is to the node itself";
    for (size_t i = 0; i < link; ++i)
      if (hnsw::Links(block)[i] == neighbour) return "is there twice";
    if (!(state & kStateWritten)) return "leads to no block";
    if (!is_seen) return nullptr;
    if (state & kStateClosed) return "leads to a closed node";
    if ((state & kLevelMask) != header.level) return "leads to another level";
    return nullptr;
  }

  // Computes the link anew.
  const char* CodeFault(const uint8_t* block, size_t link, NodeId neighbour) {
    BlockHeader header;
    checker_.ReadBytes(neighbour, 0, sizeof header, reinterpret_cast<uint8_t*>(&header));
    checker_.ReadBytes(neighbour, g_.vector, static_cast<uint32_t>(g_.vector_size()), stored_);
    const hnsw::EncodedLink wanted = kernels_.encode_link(checker_.index.space, hnsw::OwnVector(g_, block),
                                                          {stored_, header.scale}, scratch_, code_);
    const uint8_t* code = block + g_.codes + link * g_.code_size();
    const int norm = hnsw::NormCode(g_, block, link) & ~hnsw::kFiller, rescale = block[g_.rescales + link];
    const bool same = memcmp(code, code_, g_.code_size()) == 0;
    if (norm == wanted.norm && rescale == wanted.rescale && same) return nullptr;
    // A processor with other vectors adds up in another order, and rounds the last bit differently.
    if (std::abs(norm - wanted.norm) > (g_.codec == hnsw::VectorCodec::kBits ? 0 : 1))
      return "has another norm than the two vectors";
    if (!same && !kernels_.is_rounding(checker_.index.space, scratch_, code, code_))
      return "has another code than the two vectors";
    if (same && std::abs(rescale - wanted.rescale) > 1) return "has another factor than the two vectors";
    return nullptr;
  }

  Checker& checker_;
  const hnsw::Geometry& g_;
  const hnsw::Kernels& kernels_;
  void* scratch_;
  uint8_t *stored_, *code_;
};

void CheckUpper(Checker& checker, LinkCheck& links, NodeId node, const uint8_t* block) {
  const BlockHeader& header = hnsw::Header(block);
  const uint8_t below = checker.StateOf(header.target);
  if (!(below & kStateWritten))
    checker.ReportNode(node, "it leads to no block below");
  else if (below & kStateClosed)
    checker.ReportNode(node, "it leads to a closed node below");
  else if ((below & kLevelMask) + 1 != header.level)
    checker.ReportNode(node, "it leads to another level than that below");
  else if (!links.IsAbove(block, header.target))
    checker.ReportNode(node, "it has another vector than the node below");
}

}  // namespace

void CheckHeaders(Checker& checker) {
  ForBlocks(checker, [&](NodeId node, const uint8_t* block) { CheckHeader(checker, node, hnsw::Header(block)); });
}

void CheckChains(Checker& checker) {
  ForBlocks(checker, [&](NodeId node, const uint8_t* block) {
    const BlockHeader& header = hnsw::Header(block);
    const bool upper = checker.pages[node / checker.index.meta.blocks_per_group].position & kUpperLevels;
    if (!upper && !(header.flags & (hnsw::kClosed | hnsw::kDead))) CheckChain(checker, node, header);
  });
}

void CheckNodes(Checker& checker) {
  LinkCheck links(checker);
  ForBlocks(checker, [&](NodeId node, const uint8_t* block) {
    CHECK_FOR_INTERRUPTS();
    const BlockHeader& header = hnsw::Header(block);
    if (header.flags & hnsw::kClosed) return;
    links.Check(node, block);
    const bool upper = checker.pages[node / checker.index.meta.blocks_per_group].position & kUpperLevels;
    if (upper && !(header.flags & hnsw::kDead)) CheckUpper(checker, links, node, block);
  });
}

}  // namespace medvec::index
