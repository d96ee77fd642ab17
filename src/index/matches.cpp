#include "index/matches.hpp"

#include <algorithm>
#include <limits>

namespace medvec::index {

namespace {

constexpr uint32_t kSamplePages = 32;
constexpr double kSampleEnough = 50;   // matches, for an estimate to be trusted early
constexpr uint32_t kAhead = 8;         // pages asked for ahead
constexpr uint32_t kTouchedAhead = 2;  // of these the bytes that are read
constexpr size_t kCodesAhead = 16;

// A page of codes, and the rows whose they are.
struct CodePage {
  BlockNumber block;
  uint32_t begin, end;
};
CodePage CodePageOf(const Index& index, const Directory& directory, uint32_t row) {
  const RowLayout& layout = index.rows;
  const uint32_t ordinal = row / layout.slots, first = ordinal * layout.slots;
  const CodePlace place = CodePlaceOf(index, directory.blocks[ordinal], row - first);
  const uint32_t begin = row - place.offset / layout.code_size;
  return {place.block, begin, Min(begin + layout.codes_per_page, first + layout.slots)};
}

// Asks the memory for what ReadRowPage will read.
void TouchRowPage(const Index& index, RowMap& map, BlockNumber block, const Filter& filter) {
  const uint8_t* page = map.Guess(block);
  Touch(page, index.rows.offsets, index.rows.slots * sizeof(uint16_t));
  filter.ForEachArray(index.rows, [page](uint32_t offset, uint32_t bytes) { Touch(page, offset, bytes); });
}

}  // namespace

// The rows of a node are asked without its page's lock: who only reads holds one page.
bool Accept::Ask(hnsw::Answer* answer, const uint8_t* block) const {
  if (answer->flags & hnsw::kShared) {
    graph_->LetGo();
    return test_.is_empty() ? rows_->HasMatch(answer->target, answer->node, *filter_) : HasPassing(*answer);
  }
  const ItemPointerData tuple = OriginTuple(answer->origin);
  const Match match = filter_->Judge(index_->KeysOf(block), tuple);
  if (match == Match::kMaybe) answer->flags |= kRecheck;
  if (match == Match::kNo || test_.is_empty()) return match != Match::kNo;
  graph_->LetGo();
  answer->flags |= kTested;
  return test_(tuple);
}

bool Accept::HasPassing(const hnsw::Answer& answer) const {
  const hnsw::Memory memory = ServerMemory();
  hnsw::Array<FoundRow> found{};
  rows_->Collect(answer.target, answer.node, *filter_, memory, &found);
  const bool has = std::any_of(found.begin(), found.end(), [this](const FoundRow& row) { return test_(row.tuple); });
  found.Free(memory);
  return has;
}

Estimate EstimateMatches(Index& index, RowMap& rows, const Filter& filter, double many) {
  const Directory& directory = rows.directory();
  const uint32_t samples = Min(kSamplePages, directory.count);
  const uint64 start = directory.count == 0 ? 0 : pg_prng_uint64_range(&pg_global_prng_state, 0, directory.count - 1);
  double seen = 0, matches = 0;
  for (uint32_t i = 0; i < samples; ++i) {
    const uint64 ordinal = (start + uint64{i} * directory.count / samples) % directory.count;
    seen += ReadRowPage(index, rows, directory.blocks[ordinal], filter,
                        [&](const RowPage&, const RowSet& found) { matches += found.Count(); });
    const double share = static_cast<double>(i + 1) / directory.count;
    if (matches >= kSampleEnough && matches / share > 2 * many) return {seen / share, matches / share};
  }
  if (samples == 0) return {0, 0};
  const double share = static_cast<double>(samples) / directory.count;
  return {seen / share, matches / share};
}

bool CollectMatches(Index& index, RowMap& rows, const Filter& filter, size_t most, const hnsw::Memory& memory,
                    hnsw::Array<MatchingRow>* matches, Estimate* estimate) {
  const Directory& directory = rows.directory();
  double seen = 0;
  for (uint32_t ordinal = 0; ordinal < directory.count; ++ordinal) {
    if (ordinal + kAhead < directory.count) rows.Prefetch(directory.blocks[ordinal + kAhead]);
    if (ordinal + kTouchedAhead < directory.count)
      TouchRowPage(index, rows, directory.blocks[ordinal + kTouchedAhead], filter);
    // A page's rows are appended under its lock: room is made before.
    matches->Reserve(memory, matches->size + index.rows_per_page);
    const auto take = [&](const RowPage& page, const RowSet& found) {
      found.ForEach([&](uint32_t slot) {
        matches->data[matches->size++] = {ordinal * index.rows_per_page + slot, page[slot].node()};
      });
    };
    seen += ReadRowPage(index, rows, directory.blocks[ordinal], filter, take);
    if (matches->size > most) {
      const double share = static_cast<double>(ordinal + 1) / directory.count;
      *estimate = {seen / share, static_cast<double>(matches->size) / share};
      return false;
    }
  }
  *estimate = {seen, static_cast<double>(matches->size)};
  return true;
}

Candidates EstimateDistances(Index& index, RowMap& rows, const hnsw::Query& query,
                             const hnsw::Array<MatchingRow>& matches, size_t answers, const hnsw::Memory& memory) {
  hnsw::Array<Candidate> candidates{};
  candidates.Reserve(memory, matches.size);
  hnsw::Array<float> nearest{};  // a heap, farthest first
  nearest.Reserve(memory, answers + 1);
  RowEstimator estimator(index, query);
  const auto estimate = [&] {
    float low[kRowsTogether], high[kRowsTogether];
    const uint32_t count = estimator.count();
    estimator.Estimate(low, high);
    for (uint32_t i = 0; i < count; ++i) {
      candidates.data[candidates.size] = {low[i], matches[candidates.size].node};
      ++candidates.size;
      if (nearest.size == answers && high[i] >= nearest[0]) continue;
      nearest.data[nearest.size++] = high[i];
      std::push_heap(nearest.begin(), nearest.end());
      if (nearest.size <= answers) continue;
      std::pop_heap(nearest.begin(), nearest.end());
      --nearest.size;
    }
  };
  const Directory& directory = rows.directory();
  const uint32_t code_size = index.rows.code_size;
  CodePage ahead{};
  const uint8_t* ahead_codes = nullptr;
  size_t asked = 0;
  for (size_t i = 0; i < matches.size;) {
    CHECK_FOR_INTERRUPTS();
    const CodePage place = CodePageOf(index, directory, matches[i].row);
    const Buffer buffer = rows.Read(place.block, PageKind::kCodes);
    const uint8_t* codes = Usable(BufferGetPage(buffer));
    for (; i < matches.size && matches[i].row < place.end; ++i) {
      for (; asked < std::min(i + kCodesAhead, matches.size); ++asked) {
        const uint32_t row = matches[asked].row;
        if (row >= ahead.end) {
          ahead = CodePageOf(index, directory, row);
          ahead_codes = rows.Guess(ahead.block);
        }
        Touch(ahead_codes, (row - ahead.begin) * code_size, code_size);
      }
      estimator.Add(codes + (matches[i].row - place.begin) * code_size);
      if (estimator.is_full()) estimate();
    }
    UnlockReleaseBuffer(buffer);
  }
  estimate();
  const float farthest = nearest.size < answers ? std::numeric_limits<float>::infinity() : nearest[0];
  nearest.Free(memory);
  const auto is_near = [farthest](const Candidate& candidate) { return candidate.low < farthest; };
  return {candidates, static_cast<size_t>(std::count_if(candidates.begin(), candidates.end(), is_near))};
}

}  // namespace medvec::index
