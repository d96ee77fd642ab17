// Which rows a search wants: by conditions on filter columns, the scan keys of a query made ready to be asked of many
// rows' keys; and by a set of heap tuples.
#pragma once

#include "index/hash_bits.hpp"
#include "index/row_page.hpp"
#include "index/tid_set.hpp"

namespace medvec::index {

enum class Match : uint8_t { kNo, kMaybe, kYes };

class Filter {
 public:
  // Lives in the current memory context; the keys' functions and arguments are the caller's, and so is the set of
  // tuples (null: all) that alone may match.
  Filter(const Index& index, ScanKeyData* keys, int count, const TidSet* tuples);

  // Whether there is anything to ask. If not, all rows match.
  bool is_empty() const { return !has_conditions() && tuples_ == nullptr; }
  bool has_conditions() const { return count_ > 0; }
  bool has_tuples() const { return tuples_ != nullptr; }
  // Whether no row can match: a condition that compares with NULL.
  bool is_never() const { return never_; }
  // What a row's keys say. All conditions have to match.
  Match Judge(const uint8_t* keys) const {
    if (never_) return Match::kNo;
    Match all = Match::kYes;
    for (int i = 0; i < count_; ++i) {
      const Match one = Ask(conditions_[i], keys);
      if (one == Match::kNo) return Match::kNo;
      all = one < all ? one : all;
    }
    return all;
  }
  Match Judge(const uint8_t* keys, const ItemPointerData& tuple) const {
    const Match match = Judge(keys);
    return match == Match::kNo || tuples_ == nullptr || tuples_->Contains(tuple) ? match : Match::kNo;
  }
  Match Judge(const Row& row) const {
    uint8_t keys[kMaxKeyBytes];
    row.CopyKeys(keys);
    return Judge(keys, row.tuple());
  }
  // The same of the rows of a page at once: takes those out that do not match.
  void Judge(const RowPage& page, RowSet* rows) const;
  // Calls visit(offset, bytes) for the arrays of a row page that this reads.
  template <class Visit>
  void ForEachArray(const RowLayout& rows, Visit visit) const {
    for (int i = 0; i < count_; ++i) {
      const uint32_t column = conditions_[i].number;
      visit(rows.nulls + column * rows.null_bytes, rows.null_bytes);
      visit(rows.values[column], rows.slots * conditions_[i].column->place.size);
    }
    if (tuples_ != nullptr) visit(rows.blocks, rows.slots * sizeof(uint32_t));
  }

 private:
  // Cheap ones first.
  enum class Test : uint8_t { kIsNull, kIsNotNull, kRange, kSet, kSignature, kCall };

  struct Condition {
    Test test;
    Form form;
    uint8_t null_byte, null_bit;
    uint16_t offset;         // of the value in a row's keys
    uint32_t number;         // of the column
    Match equal;             // what it means that the value kept is as the condition asks: of a digest, maybe
    Number low, high, edge;  // kRange, kSet: inclusive; at a range's edge stands what is compared with
    Number* numbers;         // kSet: in ascending order
    uint64_t* bits;          // kSignature: of one of them all have to be there
    HashBits hashes;         // kSet: a look at them spares nearly all that are not in the set the binary search
    FmgrInfo* function;      // kCall, of the value and one of the arguments
    Datum* arguments;
    size_t count;
    const FilterColumn* column;
  };

  void Add(const Index& index, ScanKeyData& key);
  void AddComparison(Condition condition, ScanKeyData& key, const Datum* arguments, size_t count);
  static void SetSignatures(Condition* condition, StrategyNumber strategy, const Datum* arguments, size_t count);
  bool SetNumbers(Condition* condition, const ScanKeyData& key, const Datum* arguments, size_t count);
  static void SetCall(Condition* condition, ScanKeyData& key, const Datum* arguments, size_t count);
  static bool ToNumber(const FilterColumn& column, Oid type, Datum argument, Number* number);
  static Match Ask(const Condition& condition, const uint8_t* keys) {
    const bool is_null = keys[condition.null_byte] & condition.null_bit;
    if (is_null != (condition.test == Test::kIsNull)) return Match::kNo;
    const uint8_t* value = keys + condition.offset;
    if (condition.test != Test::kRange) return AskOther(condition, value);
    const Number number = ReadNumber(condition.form, value);
    if (number < condition.low || number > condition.high) return Match::kNo;
    return number == condition.edge ? condition.equal : Match::kYes;
  }
  static Match AskOther(const Condition& condition, const uint8_t* value);
  static void Judge(const Condition& condition, const RowPage& page, RowSet* rows);
  static bool Call(const Condition& condition, const uint8_t* bytes);

  const TidSet* tuples_;
  Condition* conditions_;
  int count_ = 0;
  bool never_ = false;
};

}  // namespace medvec::index
