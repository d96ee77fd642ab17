#include "index/near_rows.hpp"

#include <limits>

namespace medvec::index {

namespace {

constexpr uint32_t kAhead = 16;  // pages asked for ahead

// Whether a distance of the walk's kind is within a range. Most are compared with the least that was found not to be.
class Within {
 public:
  Within(const hnsw::Bound& bound, const Range& range) : bound_(bound), range_(range) {}
  bool operator()(float low) {
    if (low >= beyond_) return false;
    if (!range_.is_limited() || !range_.Excludes(bound_.Lower(low, 0, 0))) return true;
    beyond_ = low;
    return false;
  }

 private:
  const hnsw::Bound& bound_;
  const Range& range_;
  float beyond_ = std::numeric_limits<float>::infinity();
};

// The slots from `first` to before `end` that are in the set.
uint32_t ListSlots(const RowSet& set, uint32_t first, uint32_t end, uint16_t* slots) {
  uint32_t count = 0;
  for (uint32_t slot = first; slot < end; ++slot) {
    slots[count] = static_cast<uint16_t>(slot);
    count += set.Has(slot);
  }
  return count;
}

}  // namespace

bool CollectNear(Index& index, RowMap& rows, const Filter& filter, const hnsw::Query& query, const hnsw::Bound& bound,
                 const Range& range, size_t most, const hnsw::Memory& memory, hnsw::Array<Candidate>* candidates,
                 Estimate* estimate) {
  const Directory& directory = rows.directory();
  RowEstimator estimator(index, query);
  Within within(bound, range);
  const RowLayout& layout = index.rows;
  NodeId nodes[kMostRows];
  uint16_t slots[kMostRows];
  double seen = 0, matches = 0;
  uint32_t ordinal = 0;
  for (; ordinal < directory.count && candidates->size <= most; ++ordinal) {
    const BlockNumber block = directory.blocks[ordinal];
    if (ordinal + kAhead < directory.count)
      for (uint32_t i = 0; i <= layout.code_pages; ++i) rows.Prefetch(directory.blocks[ordinal + kAhead] + i);
    RowSet set(layout.slots);
    seen += ReadRowPage(index, rows, block, filter, [&](const RowPage& page, const RowSet& found) {
      set = found;
      page.CopyNodes(nodes);
    });
    for (uint32_t first = 0; first < layout.slots; first += layout.codes_per_page) {
      const uint32_t count = ListSlots(set, first, Min(first + layout.codes_per_page, layout.slots), slots);
      if (count == 0) continue;
      matches += count;
      candidates->Reserve(memory, candidates->size + count);
      const Buffer buffer = rows.Read(CodePlaceOf(index, block, first).block, PageKind::kCodes);
      const uint8_t* codes = Usable(BufferGetPage(buffer));
      for (uint32_t done = 0; done < count;) {
        const uint32_t begin = done;
        for (; done < count && !estimator.is_full(); ++done)
          estimator.Add(codes + (slots[done] - first) * layout.code_size);
        float low[kRowsTogether], high[kRowsTogether];
        estimator.Estimate(low, high);
        for (uint32_t i = begin; i < done; ++i)
          if (within(low[i - begin])) candidates->data[candidates->size++] = {low[i - begin], nodes[slots[i]]};
      }
      UnlockReleaseBuffer(buffer);
    }
  }
  const double share = static_cast<double>(ordinal) / directory.count;
  if (ordinal > 0) *estimate = {seen / share, matches / share};
  return candidates->size <= most;
}

}  // namespace medvec::index
