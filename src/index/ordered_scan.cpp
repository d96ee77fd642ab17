#include "index/ordered_scan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "core/stop_point.hpp"
#include "index/near_rows.hpp"
#include "index/options.hpp"
#include "index/prices.hpp"

namespace medvec::index {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A walk without a filter visits about as many nodes as its beam is wide, at three times the price of nodes read in
// order: where twice the width would come to a good part of the index it is better to read it whole.
constexpr double kWorthWalking = 1.0 / 8;

// Without codes of rows: the beam that has found all nodes of a range is sqrt(ef_search / kRangeEf) times as long as
// they are many, 4 times at the default; and twice as long as a first beam, which may have ended in another cluster.
constexpr double kRangeEf = 2.5, kLeastRangeBeams = 2;
// What it finds late comes out of order in an ordered scan, so there it is longer from the start.
constexpr double kOrderedRangeWidth = 3;

// With codes: a range of which the first beam found fewer is read by them before the first row is given, since what the
// walk missed would come out of order.
constexpr size_t kSmallRange = 40;

// What a visit costs more in a beam of thousands, which is kept in order, than in others.
constexpr double kLongVisit = 1.25;

// A filter's estimate of matches is trusted to be within twice, and a bit.
constexpr double kDoubt = 2, kFew = 1000;

// So many answers are expected to be taken where that is not known; and no more where it is.
constexpr size_t kFirst = 10;
constexpr double kMostFirst = 1000;
// A first beam may be cheaper than reading matches that cost more than this many of it.
constexpr double kNearMany = 1.5;

}  // namespace

OrderedScan::OrderedScan(Relation index)
    : index_(*OpenIndex(index)),
      graph_(index_),
      rows_(index_),
      query_(index_),
      context_(AllocSetContextCreate(CurrentMemoryContext, "hnsw scan", ALLOCSET_DEFAULT_SIZES)) {}

void OrderedScan::Start(const Request& request) {
  const ScanCounters earlier = request.goes_on ? earlier_ + now_ : ScanCounters{};
  if (request.goes_on) earlier_ = now_ = {};
  End();
  earlier_ = earlier;
  const MemoryContext outer = MemoryContextSwitchTo(context_);
  query_.Load(index_, request.query, request.is_null);
  order_ = request.order, is_once_ = request.is_once, limit_ = request.limit, alternative_ = request.alternative;
  test_ = request.wanted.test, test_price_ = request.wanted.test_price, passing_ = request.wanted.passing;
  range_ = request.range;
  if (query_.kind == QueryKind::kNowhere) range_.SetNowhere();
  without_ = request.with_hidden ? hnsw::kDead : hnsw::kDead | hnsw::kHidden;
  filter_ = new (palloc(sizeof(Filter))) Filter(index_, request.keys, request.key_count, request.wanted.set);
  const size_t ef = static_cast<size_t>(settings::ef_search), width = FirstBeam(request.limit);
  search_ =
      new (palloc(sizeof(Search))) Search(index_.space, graph_, ServerMemory(context_), query_.query, query_.bound, ef,
                                          width, without_, Accept(index_, graph_, rows_, *filter_, test_, nullptr));
  if (order_ != Order::kNone && range_.is_limited()) search_->KeepWidth(kOrderedRangeWidth);
  // A beam that is as long as it needs to be does not become longer for the last of them.
  if (request.most > 0)
    search_->KeepWidth(std::clamp(static_cast<double>(width) / request.most, 1.0, prices::kBeamPerRow));
  left_ = filter_->is_never() || range_.is_never() ? 0 : is_once_ ? static_cast<double>(ef) : kInfinity;
  farthest_ = floor_ = -kInfinity;
  first_reads_ = prices::kFirstReads;
  pgstat_count_index_scan(index_.relation);
  reads_before_ = graph_.reads();
  now_ = {};
  now_.is_filtered = !filter_->is_empty() || !test_.is_empty();
  now_.scans = request.goes_on ? 0 : 1;
  last_scan.scans += now_.scans;
  if (has_near()) budget_ = CodesPrice();
  if (left_ > 0 && !(request.all && has_near() && ReadRest())) {
    if (now_.is_filtered && is_near()) ChooseStrategy(request);
    if (RanksAll(request.likely, width)) ReadByCodes(Rest::kWhole);
  }
  Count();
  MemoryContextSwitchTo(outer);
}

void OrderedScan::End() {
  before_ = counters();
  earlier_ = now_ = {};
  if (whole_ != nullptr) whole_->End();
  search_ = nullptr;
  whole_ = nullptr;
  was_spent_ = gave_up_ = is_over_ = false;
  given_ = {};
  late_ = {};
  found_ = {};
  next_ = 0;
  MemoryContextReset(context_);
}

void OrderedScan::Count() {
  now_.nodes = static_cast<int64>(search_->hops() + (whole_ != nullptr ? whole_->visits() : 0));
  now_.beam = static_cast<int64>(search_->width());
  now_.pages = static_cast<int64>(graph_.reads() - reads_before_);
  now_.matches = estimate_.matches * passing_;
  Publish();
}

void OrderedScan::Publish() const {
  const int64 scans = last_scan.scans;
  last_scan = earlier_ + now_;
  last_scan.scans = scans;
}

double OrderedScan::Beam(double limit) const {
  const size_t ef = static_cast<size_t>(settings::ef_search);
  return std::max(static_cast<double>(hnsw::BeamWidth(ef, index_.meta.m, index_.meta.max_degree)),
                  prices::kBeamPerRow * limit);
}

// Long enough at once for what will be taken: a beam that doubles becomes longer than that, and judges anew all that
// was too far for it each time. Beyond what is worth walking it would have to end.
size_t OrderedScan::FirstBeam(double limit) const {
  const double beam = Beam(0);
  return static_cast<size_t>(std::min(Beam(limit), std::max(beam, NodeCount(index_) * kWorthWalking)));
}

// Reading the whole index, or all matches, visits so many nodes, which hnsw.max_scan_tuples may forbid.
bool OrderedScan::MayReadWhole() const { return NodeCount(index_) <= settings::max_scan_tuples; }
bool OrderedScan::MayReadRest() const {
  if (has_alternative()) return true;
  return can_collect() ? estimate_.matches <= settings::max_scan_tuples : MayReadWhole();
}

// Of reading all matches, and fetching as many as the caller will take or has to ask itself.
double OrderedScan::MatchesPrice() const {
  if (!can_collect()) return kInfinity;
  return prices::Matches(prices::RowPagesOf(index_), estimate_.rows, estimate_.matches, filter_->has_tuples(),
                         first_reads_) +
         std::max(prices::kFetch, test_price_) * std::min(limit_ / std::max(passing_, 0.001), estimate_.matches);
}

// Of reading the codes of all rows.
double OrderedScan::CodesPrice() const {
  const double nodes = NodeCount(index_);
  return prices::Codes(prices::RowPagesOf(index_), nodes, nodes);
}

// Of a node visited by a walk: those that match are tested.
double OrderedScan::VisitPrice() const {
  return 1 + test_price_ * std::min(1.0, estimate_.matches / std::max(1.0, estimate_.rows));
}

// Few matching rows are read at once; of many the walk finds enough. What decides is what it costs: about as much for
// either where the matches are 60 times the root of the rows, at the default ef_search (17 times without codes).
void OrderedScan::ChooseStrategy(const Request& request) {
  const double nodes = NodeCount(index_), beam = Beam(limit_);
  const double even = prices::Even(nodes, beam, index_.has_row_codes());
  estimate_ = {nodes, request.wanted.set == nullptr ? nodes : request.wanted.set_rows};
  if (filter_->has_conditions() && estimate_.matches > even) estimate_ = EstimateMatches(index_, rows_, *filter_, even);
  const double passing = estimate_.matches * passing_, matches = MatchesPrice();
  const double walk = VisitPrice() * prices::Walk(estimate_.rows, passing, beam);
  const bool may_rest = MayReadRest();
  const bool probes =
      request.may_probe && VisitPrice() * hnsw::kGlance <= prices::kProbe * std::min(matches, alternative_);
  bool is_long = prices::kWalkRisk * walk >= matches || walk >= alternative_;
  if (!probes && may_rest && is_long && matches <= alternative_) {
    if (ReadNear() || ReadMatches(kDoubt * std::max(even, estimate_.matches) + kFew, true)) return;
    is_long = false;
  }
  budget_ = std::max(std::min(MatchesPrice(), alternative_) / VisitPrice(), prices::kPerWidth * beam);
  budget_ = std::min(budget_, static_cast<double>(settings::max_scan_tuples));
  // Who walks although few rows pass, because they may lie near, has to see that they do.
  search_->LimitHops(static_cast<size_t>(budget_), may_rest, is_long ? 0 : hnsw::kGlanceDoubt);
}

// Whether so many rows come sooner by the codes of all rows than out of a beam so long.
bool OrderedScan::RanksAll(double likely, size_t width) const {
  if (likely == 0 || now_.is_filtered || range_.is_limited() || is_once_ || !has_codes()) return false;
  const double near = std::min(NodeCount(index_), prices::kNearPerWithin * likely);
  return CodesPrice() + prices::kMatch * near < kLongVisit * prices::kPerWidth * static_cast<double>(width);
}

bool OrderedScan::IsAtLimit() const { return search_->hops() >= static_cast<size_t>(settings::max_scan_tuples); }

// How to go on beyond what has been found.
OrderedScan::Further OrderedScan::HowFurther() const {
  if (is_once_) return Further::kNone;
  if (IsAtLimit()) return has_alternative() ? Further::kRest : Further::kNone;
  return search_->WouldWiden() ? HowToWiden() : Further::kWalk;
}

OrderedScan::Further OrderedScan::HowToWiden() const {
  const double allowed = settings::scan_mem_multiplier * work_mem * 1024.0;
  const bool fits = 2.0 * static_cast<double>(MemoryContextMemAllocated(context_, true)) <= allowed;
  bool is_worth = now_.is_filtered || has_near() ? 2.0 * static_cast<double>(search_->hops()) <= budget_
                                                 : 2.0 * static_cast<double>(search_->width()) <=
                                                       std::max(NodeCount(index_) * kWorthWalking, 100.0);
  // In any order rows come faster by their codes than by a longer walk.
  if (has_near() && order_ == Order::kNone) is_worth = false;
  if (!(fits && is_worth) && MayReadRest()) return Further::kRest;
  return fits ? Further::kWalk : Further::kNone;
}

// What was found too late for its place comes at the very end, when nothing else is left: so a LIMIT is filled if rows
// qualify.
void OrderedScan::BeginRest(Rest rest) {
  search_->Free();
  whole_ = new (palloc(sizeof(WholeScan))) WholeScan(index_, graph_, query_.query, query_.bound, without_,
                                                     Accept(index_, graph_, rows_, *filter_, {}, &range_),
                                                     order_ == Order::kNone     ? kInfinity
                                                     : order_ == Order::kStrict ? floor_
                                                                                : -kInfinity);
  now_.rest = rest;
}

// All matches but those given. False: they are more than `most`; or, if the caller can walk, so many of them are near
// that codes do not tell which are nearest, and a walk is cheaper.
bool OrderedScan::ReadMatches(double most, bool or_walk) {
  hnsw::Array<MatchingRow> matches{};
  const hnsw::Memory memory = ServerMemory(context_);
  most = std::min({most, 1024.0 * work_mem / sizeof(MatchingRow), static_cast<double>(settings::max_scan_tuples)});
  bool done = CollectMatches(index_, rows_, *filter_, static_cast<size_t>(most), memory, &matches, &estimate_);
  if (done && has_codes() && static_cast<double>(matches.size) > prices::kFewMatches) {
    const size_t answers = limit_ > 0 ? static_cast<size_t>(std::min(limit_, kMostFirst)) : kFirst;
    Candidates candidates = EstimateDistances(index_, rows_, query_.query, matches, answers, memory);
    first_reads_ = prices::kMatch * static_cast<double>(candidates.first_reads);
    done = !or_walk || first_reads_ <= kNearMany * prices::kPerWidth * Beam(limit_);
    if (done) {
      BeginRest(Rest::kMatches);
      whole_->ReadLater(candidates.list, given_);
    } else {
      candidates.list.Free(memory);
    }
  } else if (done) {
    BeginRest(Rest::kMatches);
    whole_->Read(NodesOf(matches, memory), given_);
  }
  matches.Free(memory);
  return done;
}

// All rows within the range, if there is one, but those given. False: their codes do not tell, or more may be than
// there is room for, or may be read.
bool OrderedScan::ReadByCodes(Rest rest) {
  if (!has_codes() || (filter_->is_empty() && !MayReadWhole())) return false;
  const hnsw::Memory memory = ServerMemory(context_);
  const double most = std::min(1024.0 * work_mem / sizeof(Candidate), static_cast<double>(settings::max_scan_tuples));
  hnsw::Array<Candidate> candidates{};
  const bool done = CollectNear(index_, rows_, *filter_, query_.query, query_.bound, range_, static_cast<size_t>(most),
                                memory, &candidates, &estimate_);
  if (done) BeginRest(rest);
  if (done && order_ != Order::kNone) {
    whole_->ReadLater(candidates, given_);
    return true;
  }
  if (done) whole_->Read(NodesOf(candidates, memory), given_);
  candidates.Free(memory);
  return done;
}

// False: that would visit more nodes than it may, or the caller does it.
bool OrderedScan::ReadRest() {
  gave_up_ = has_alternative() && MatchesPrice() > alternative_;
  if (gave_up_) return false;
  if (ReadNear()) return true;
  if (can_collect() && ReadMatches(kInfinity, false)) return true;
  gave_up_ = has_alternative();
  if (gave_up_ || !MayReadWhole()) return false;
  if (!now_.is_filtered && ReadByCodes(Rest::kWhole)) return true;
  BeginRest(Rest::kWhole);
  whole_->ReadAll(given_);
  return true;
}

// The next node by the walk. False: there are no more, or (*rest) the rest is to be read otherwise.
bool OrderedScan::FindByWalk(bool* rest) {
  const Further further = HowFurther();
  *rest = further == Further::kRest;
  if (*rest) return false;
  const bool is_first = given_.size == 0, may_widen = further == Further::kWalk;
  const bool strict = order_ == Order::kStrict && !range_.is_limited();
  bool found = search_->Next(&answer_, strict, may_widen);
  if (!found && search_->is_spent() && !was_spent_) {
    was_spent_ = true;
    *rest = MayReadRest();
    if (!*rest) found = search_->Next(&answer_, strict, may_widen);
  }
  now_.walked = true;
  // All that links lead to has been visited. There may be more: by inner product nobody's neighbour is a short
  // vector.
  *rest |= may_widen && (!found || (is_first && !search_->has_more())) && MayReadRest();
  if (*rest || !found) return false;
  given_.Append(ServerMemory(context_), answer_.node);
  return true;
}

// Where the next node is beyond the range, nodes within it may be missing. A longer beam finds most of them, codes of
// rows all. False: the beam is as long as it should be, or (*rest) the rest is to be read otherwise.
bool OrderedScan::LooksAgain(bool* rest) {
  *rest = has_near() && MayReadRest();
  if (*rest) return false;
  const double found = static_cast<double>(given_.size + late_.size);
  const double wanted = std::max(found * std::sqrt(settings::ef_search / kRangeEf), kLeastRangeBeams * Beam(0));
  if (IsAtLimit() || search_->is_exhausted() || static_cast<double>(search_->room()) >= wanted) return false;
  const Further further = HowToWiden();
  *rest = further == Further::kRest;
  if (further != Further::kWalk) return false;
  if (!search_->Widen() && !was_spent_) {
    was_spent_ = true;
    *rest = MayReadRest();
  }
  return true;
}

// The next node up to the end of the range. All in it are wanted, so what is found too late for its place comes last.
bool OrderedScan::FindInRange(bool* rest) {
  while (!is_over_) {
    const bool is_first = given_.size == 0, found = FindByWalk(rest);
    if (*rest) return false;  // with what was late
    const auto is_within = [this](const hnsw::Answer& answer) { return !range_.Excludes(answer.bound); };
    *rest = found && is_first && has_near() && search_->CountNext(is_within) + 1 < kSmallRange && MayReadRest();
    if (!found || *rest || !is_within(answer_)) {
      if (found) --given_.size;
      if (*rest) return false;
      is_over_ = !(found && LooksAgain(rest));
      if (*rest) return false;
      continue;
    }
    if (order_ != Order::kStrict || answer_.bound >= floor_) return true;
    late_.Append(ServerMemory(context_), answer_);
    --given_.size;
  }
  *rest = false;
  if (late_.size == 0) return false;
  answer_ = late_[--late_.size];
  return true;
}

// The next node to give. False: there are no more.
bool OrderedScan::FindNode() {
  if (left_ < 1 || gave_up_) return false;
  bool rest = true, found = false;
  if (whole_ == nullptr && range_.is_limited())
    found = FindInRange(&rest);
  else if (whole_ == nullptr && is_near())
    found = FindByWalk(&rest);
  if (!found && rest) found = (whole_ != nullptr || ReadRest()) && whole_->Next(&answer_);
  left_ -= found;
  return found;
}

// Where intervals do not overlap the order is known without the exact distance, for which the executor would have to
// fetch the vector.
bool OrderedScan::IsCertain() const {
  if (found_.size != 1 || farthest_ > answer_.bound) return false;
  const std::optional<double> next = PeekNode();
  return next.has_value() && answer_.upper <= *next;
}

bool OrderedScan::NextNode() {
  const MemoryContext outer = MemoryContextSwitchTo(context_);
  const hnsw::Memory memory = ServerMemory(context_);
  const bool found = FindNode();
  found_.size = next_ = 0;
  if (found) {
    MEDVEC_STOP_POINT("scan-rows");
    if (answer_.flags & hnsw::kShared)
      rows_.Collect(answer_.target, answer_.node, *filter_, memory, &found_);
    else
      found_.Append(memory,
                    {OriginTuple(answer_.origin), (answer_.flags & kRecheck) != 0, (answer_.flags & kTested) != 0});
    if (!range_.Includes(answer_.upper))
      for (FoundRow& row : found_) row.recheck = true;
    is_certain_ = IsCertain();
    farthest_ = Max(farthest_, answer_.upper);
    floor_ = Max(floor_, is_certain_ ? answer_.upper : answer_.bound);
    if (whole_ == nullptr)
      search_->RaiseFloor(floor_);
    else if (order_ == Order::kStrict)
      whole_->RaiseLeast(floor_);
  }
  Count();
  MemoryContextSwitchTo(outer);
  return found;
}

bool OrderedScan::Next(FoundRow* row) {
  while (next_ == found_.size)
    if (!NextNode()) return false;
  *row = found_[next_++];
  ++now_.rows;
  ++last_scan.rows;
  return true;
}

void OrderedScan::Hide() {
  if (next_ > 0 && !(answer_.flags & hnsw::kShared)) graph_.Hide(answer_.node, answer_.target, found_[0].tuple);
}

void OrderedScan::LeaveToTable(double set_rows) {
  if (!is_started()) now_.scans = 1, ++last_scan.scans;
  now_.rest = Rest::kTable;
  now_.is_filtered = true;
  now_.matches = set_rows;
  Publish();
}

}  // namespace medvec::index
