#include "index/matches.hpp"

#include <algorithm>
#include <limits>

namespace medvec::index {

namespace {

constexpr uint32_t kSamplePages = 32;
constexpr double kSampleEnough = 50;  // matches, for an estimate to be trusted early
constexpr uint32_t kAhead = 8;        // pages asked for ahead
constexpr size_t kCodesAhead = 4;

// Calls take(page, rows) with the rows of a page whose keys match. Returns how many rows it has.
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
  const RowLayout& layout = index.rows;
  for (size_t i = 0; i < matches.size;) {
    CHECK_FOR_INTERRUPTS();
    const uint32_t ordinal = matches[i].row / layout.slots, slot = matches[i].row % layout.slots;
    const CodePlace place = CodePlaceOf(index, directory.blocks[ordinal], slot);
    // The page's first row, and the one behind its last.
    const uint32_t begin = matches[i].row - place.offset / layout.code_size;
    const uint32_t end = Min(begin + layout.codes_per_page, (ordinal + 1) * layout.slots);
    const Buffer buffer = rows.Read(place.block, PageKind::kCodes);
    const uint8_t* page = Usable(BufferGetPage(buffer));
    const auto code_of = [&](size_t n) { return page + (matches[n].row - begin) * layout.code_size; };
    for (; i < matches.size && matches[i].row < end; ++i) {
      if (const size_t next = i + kCodesAhead; next < matches.size && matches[next].row < end)
        for (uint32_t line = 0; line < layout.code_size; line += 64) __builtin_prefetch(code_of(next) + line);
      estimator.Add(code_of(i));
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
