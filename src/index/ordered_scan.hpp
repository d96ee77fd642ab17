// The rows of an index, nearest first, as long as the caller asks: for index scans (scan.hpp) and for the planner's
// filtered scan (planner/filtered_scan). README.md says how it chooses between a walk and reading all matches.
#pragma once

#include "core/hnsw/search.hpp"
#include "index/graph.hpp"
#include "index/matches.hpp"
#include "index/rows.hpp"
#include "index/scan_counters.hpp"
#include "index/scan_query.hpp"
#include "index/whole_scan.hpp"

namespace medvec::index {

class OrderedScan {
 public:
  // What lasts over several searches lies in the current memory context.
  explicit OrderedScan(Relation index);

  enum class Order {
    kStrict,   // ascending bounds; what was found too late comes last
    kRelaxed,  // as they are found
    kNone      // any: all rows in the range, or all that match
  };
  // Rows that a caller knows from elsewhere to be the only ones wanted, or can ask one by one.
  struct Wanted {
    const TidSet* set = nullptr;  // rows of the set alone,
    double set_rows = 0;          // which are about so many;
    RowTest test;                 // of these only what passes,
    double test_price = 0;        // which costs so many visits to ask,
    double passing = 1;           // about this share
  };
  struct Request {
    Datum query;
    bool is_null;
    ScanKeyData* keys;  // conditions on filter columns
    int key_count;
    bool with_hidden;  // nodes that Hide was called for count
    Order order;
    bool is_once = false;   // no more than what the first beam holds
    double limit = 0;       // rows that will be taken; 0: not known
    double likely = 0;      // the same where `limit` is more, for the sake of the beam; 0: it is not
    double most = 0;        // and never more; 0: not known
    bool may_probe = true;  // false: the rows wanted do not seem to be near
    bool goes_on = false;   // counts as the same scan as the one before
    Wanted wanted = {};
    Range range = {};  // rows within it alone,
    bool all = false;  // which will all be taken
    // The caller can do without the scan at this price, in visits: when it has come to that, it gives up.
    double alternative = std::numeric_limits<double>::infinity();
  };

  // Begins anew. What the request points to has to stay until End.
  void Start(const Request& request);
  bool is_started() const { return search_ != nullptr; }
  void End();
  void Free() { MemoryContextDelete(context_); }

  // The next row. False: there are no more, or (gave_up) there may be, which the caller gets cheaper.
  bool Next(FoundRow* row);
  bool gave_up() const { return gave_up_; }
  // Nobody sees the row given last any more.
  void Hide();

  // Of the row given last: no nearer than `lower`, no farther than `upper`, in the operator's units.
  double lower() const { return answer_.bound; }
  double upper() const { return answer_.upper; }
  // It is known that no later row is nearer, and no earlier one farther.
  bool is_certain() const { return is_certain_; }
  // The bound of the rows to come, if one is known without looking further; infinity: there are none.
  std::optional<double> PeekBound() const { return next_ < found_.size ? answer_.bound : PeekNode(); }
  QueryKind kind() const { return query_.kind; }

  // How wide a beam is for so many rows (0: not known), of those that count.
  double Beam(double limit) const;
  // The caller reads its set, or what is left of it, from the table.
  void LeaveToTable(double set_rows);

  // What this scan did since it was made; the beam of the last search.
  ScanCounters counters() const { return before_ + earlier_ + now_; }
  const Index& index() const { return index_; }

 private:
  using Search = hnsw::Search<PageGraph, Accept>;
  enum class Further { kNone, kWalk, kRest };

  size_t FirstBeam(double limit) const;
  bool has_alternative() const { return alternative_ < std::numeric_limits<double>::infinity(); }
  // Whether nodes near the query come first; else all are wanted.
  bool is_near() const { return order_ != Order::kNone || range_.is_limited(); }
  // Under a test alone all rows are read, unless the caller knows which.
  bool can_collect() const { return !filter_->is_empty() || !(test_.is_empty() || has_alternative()); }
  bool has_codes() const { return index_.has_row_codes() && query_.kind == QueryKind::kVector; }
  // Whether the rows within the range can be told by codes, so that none is missed.
  bool has_near() const { return range_.is_limited() && has_codes(); }
  bool MayReadWhole() const;
  bool MayReadRest() const;
  double MatchesPrice() const;
  double CodesPrice() const;
  double VisitPrice() const;
  void ChooseStrategy(const Request& request);
  bool IsAtLimit() const;
  Further HowToWiden() const;
  Further HowFurther() const;
  bool NextNode();
  bool FindNode();
  bool FindByWalk(bool* rest);
  bool LooksAgain(bool* rest);
  bool FindInRange(bool* rest);
  bool ReadRest();
  bool ReadNear() { return has_near() && ReadByCodes(Rest::kNear); }
  bool ReadByCodes(Rest rest);
  bool RanksAll(double likely, size_t width) const;
  bool ReadMatches(double most, bool or_walk);
  void BeginRest(Rest rest);
  std::optional<double> PeekNode() const { return whole_ != nullptr ? whole_->PeekBound() : search_->PeekBound(); }
  bool IsCertain() const;
  void Count();
  void Publish() const;

  Index& index_;
  PageGraph graph_;
  RowMap rows_;
  ScanQuery query_;
  MemoryContext context_;  // of one search

  Order order_ = Order::kStrict;
  bool is_once_ = false;
  double limit_ = 0, alternative_ = 0;
  uint8_t without_ = 0;  // flags of nodes that are no answers
  Filter* filter_ = nullptr;
  Range range_;
  RowTest test_;
  double test_price_ = 0, passing_ = 1;
  Estimate estimate_ = {};      // of what the filter lets through, where there is one
  double first_reads_ = 0;      // what reading the first matches costs that codes tell from others
  double budget_ = 0;           // nodes that the walk may visit before the rest is read instead
  Search* search_ = nullptr;    // null: not begun
  WholeScan* whole_ = nullptr;  // what is given when the walk is not worth going on; null: not begun
  bool was_spent_ = false;      // the walk came to its limit, and may not be replaced
  bool gave_up_ = false;
  double left_ = 0;       // nodes that may still be given
  bool is_over_ = false;  // the walk has come to the end of the range
  hnsw::Array<NodeId> given_ = {};
  hnsw::Array<hnsw::Answer> late_ = {};  // found in the range, too late for their place in order
  hnsw::Answer answer_ = {};             // whose rows are given now
  hnsw::Array<FoundRow> found_ = {};     // its rows
  size_t next_ = 0;
  bool is_certain_ = false;
  double farthest_ = 0;  // upper bound of the rows given so far
  double floor_ = 0;     // strict order: no later row has a lower bound

  // Of this search; of those which it continues; of all before.
  ScanCounters now_ = {}, earlier_ = {}, before_ = {};
  uint64 reads_before_ = 0;  // pages read before this one
};

}  // namespace medvec::index
