#include "index/filter.hpp"

#include <algorithm>
#include <bit>

#include "pg/arrays.hpp"

namespace medvec::index {

namespace {

bool IsInteger(Oid type) { return type == INT2OID || type == INT4OID || type == INT8OID; }
bool IsFloat(Oid type) { return type == FLOAT4OID || type == FLOAT8OID; }

}  // namespace

Filter::Filter(const Index& index, ScanKeyData* keys, int count, const TidSet* tuples)
    : tuples_(tuples),
      conditions_(static_cast<Condition*>(palloc0(sizeof(Condition) * static_cast<size_t>(count + 1)))) {
  for (int i = 0; i < count; ++i) Add(index, keys[i]);
  std::sort(conditions_, conditions_ + count_, [](const Condition& a, const Condition& b) { return a.test < b.test; });
}

void Filter::Add(const Index& index, ScanKeyData& key) {
  if (key.sk_attno == 1) {  // of the vector: only whether it is NULL, which those in the index are not
    never_ |= (key.sk_flags & SK_SEARCHNULL) != 0;
    return;
  }
  Condition condition{};
  condition.number = static_cast<uint32_t>(key.sk_attno - 2);
  condition.column = &index.filter[condition.number];
  condition.offset = condition.column->place.offset;
  condition.form = condition.column->form;
  condition.null_byte = condition.column->null_byte, condition.null_bit = condition.column->null_bit;
  if (key.sk_flags & (SK_SEARCHNULL | SK_SEARCHNOTNULL)) {
    condition.test = key.sk_flags & SK_SEARCHNULL ? Test::kIsNull : Test::kIsNotNull;
    condition.equal = Match::kYes;
    conditions_[count_++] = condition;
    return;
  }
  never_ |= (key.sk_flags & SK_ISNULL) != 0;  // operators are strict
  if (never_) return;
  if (!(key.sk_flags & SK_SEARCHARRAY)) return AddComparison(condition, key, &key.sk_argument, 1);

  ArrayType* array = DatumGetArrayTypeP(key.sk_argument);
  const Oid type = ARR_ELEMTYPE(array);
  int16 length;
  bool by_value;
  char alignment;
  get_typlenbyvalalign(type, &length, &by_value, &alignment);
  Datum* elements;
  bool* is_null;
  int all, count = 0;
  deconstruct_array(array, type, length, by_value, alignment, &elements, &is_null, &all);
  for (int i = 0; i < all; ++i)
    if (!is_null[i]) elements[count++] = elements[i];
  never_ |= count == 0;
  if (!never_) AddComparison(condition, key, elements, static_cast<size_t>(count));
}

// `arguments`: what is compared with, one of which has to match.
void Filter::AddComparison(Condition condition, ScanKeyData& key, const Datum* arguments, size_t count) {
  const Encoding encoding = condition.column->place.encoding;
  condition.equal = encoding == Encoding::kValue ? Match::kYes : Match::kMaybe;
  if (encoding == Encoding::kSignature)
    SetSignatures(&condition, key.sk_strategy, arguments, count);
  else if (encoding == Encoding::kHash && key.sk_strategy != kEqual)
    condition.test = Test::kIsNotNull;
  else if (!SetNumbers(&condition, key, arguments, count))
    SetCall(&condition, key, arguments, count);
  conditions_[count_++] = condition;
}

// An array overlaps with another if it has all bits of one of that one's elements; it contains it if it has all bits.
void Filter::SetSignatures(Condition* condition, StrategyNumber strategy, const Datum* arguments, size_t count) {
  condition->test = Test::kSignature;
  hnsw::Array<uint64_t> bits{};
  for (size_t i = 0; i < count; ++i) {
    uint64_t all = 0;
    for (const uint64_t element : Signatures(*condition->column, arguments[i])) {
      if (strategy == kOverlaps) bits.Append(ServerMemory(), element);
      all |= element;
    }
    if (strategy == kContains) bits.Append(ServerMemory(), all);
  }
  condition->bits = bits.data, condition->count = bits.size;
}

// False: an argument has no number, or numbers do not tell what is less.
bool Filter::SetNumbers(Condition* condition, const ScanKeyData& key, const Datum* arguments, size_t count) {
  const FilterColumn& column = *condition->column;
  if (column.form == Form::kOid && key.sk_strategy != kEqual) return false;
  Number* numbers = static_cast<Number*>(palloc(sizeof(Number) * count));
  for (size_t i = 0; i < count; ++i)
    if (!ToNumber(column, key.sk_subtype, arguments[i], &numbers[i])) return false;
  std::sort(numbers, numbers + count);
  const Number least = numbers[0], most = numbers[count - 1];
  const bool is_less = key.sk_strategy <= kLessEqual;
  condition->test = key.sk_strategy == kEqual && least != most ? Test::kSet : Test::kRange;
  // Less than any of them is less than the greatest.
  condition->edge = is_less ? most : least;
  condition->low = is_less ? kLeastNumber : least;
  condition->high = key.sk_strategy <= kEqual ? most : kGreatestNumber;
  if (condition->equal == Match::kYes) {
    never_ |=
        (key.sk_strategy == kLess && most == kLeastNumber) || (key.sk_strategy == kGreater && least == kGreatestNumber);
    condition->high -= key.sk_strategy == kLess && !never_;
    condition->low += key.sk_strategy == kGreater && !never_;
  }
  condition->numbers = numbers, condition->count = count;
  if (condition->test == Test::kSet) {
    condition->hashes = HashBits(ServerMemory(), count);
    for (size_t i = 0; i < count; ++i) condition->hashes.Add(static_cast<uint64_t>(numbers[i]));
  }
  return true;
}

bool Filter::ToNumber(const FilterColumn& column, Oid type, Datum argument, Number* number) {
  if (type == column.type) {
    uint8_t bytes[8];
    EncodeValue(column, argument, bytes);
    *number = ReadNumber(column.form, bytes);
  } else if (IsInteger(type) && IsInteger(column.type)) {
    *number = type == INT2OID   ? DatumGetInt16(argument)
              : type == INT4OID ? DatumGetInt32(argument)
                                : DatumGetInt64(argument);
  } else if (IsFloat(type) && IsFloat(column.type)) {
    *number = FloatNumber(type == FLOAT4OID ? double{DatumGetFloat4(argument)} : DatumGetFloat8(argument));
  } else {
    return false;
  }
  return true;
}

void Filter::SetCall(Condition* condition, ScanKeyData& key, const Datum* arguments, size_t count) {
  if (condition->column->place.encoding != Encoding::kValue)
    elog(ERROR, "operator %u of an hnsw index has an argument of another type", key.sk_func.fn_oid);
  condition->test = Test::kCall;
  condition->function = &key.sk_func;
  condition->arguments = static_cast<Datum*>(palloc(sizeof(Datum) * count));
  memcpy(condition->arguments, arguments, sizeof(Datum) * count);
  condition->count = count;
}

void Filter::Judge(const RowPage& page, RowSet* rows) const {
  if (never_) return rows->Clear();
  for (int i = 0; i < count_ && !rows->is_empty(); ++i) Judge(conditions_[i], page, rows);
  if (tuples_ != nullptr) page.SelectTuples(*tuples_, rows);
}

void Filter::Judge(const Condition& condition, const RowPage& page, RowSet* rows) {
  page.SelectNulls(condition.number, condition.test == Test::kIsNull, rows);
  const auto select = [&](Number low, Number high, RowSet* set) {
    page.SelectNumbers(condition.number, condition.form, low, high, set);
  };
  const auto ask = [&](uint32_t slot) { return AskOther(condition, page.Value(condition.number, slot)) != Match::kNo; };
  constexpr size_t kFew = 8;  // are asked of the column one after the other
  // Rows that one(i, set) leaves in the set for any i.
  const auto select_any = [&](auto one) {
    const RowSet all = *rows;
    rows->Clear();
    for (size_t i = 0; i < condition.count; ++i) {
      RowSet set = all;
      one(i, &set);
      rows->Add(set);
    }
  };
  switch (condition.test) {
    case Test::kIsNull:
    case Test::kIsNotNull:
      return;
    case Test::kRange:
      return select(condition.low, condition.high, rows);
    case Test::kSet:
      select(condition.low, condition.high, rows);
      if (condition.count > kFew) return rows->Select(ask);
      return select_any([&](size_t i, RowSet* set) { select(condition.numbers[i], condition.numbers[i], set); });
    case Test::kSignature:
      if (condition.count > kFew) return rows->Select(ask);
      return select_any(
          [&](size_t i, RowSet* set) { page.SelectSignatures(condition.number, condition.bits[i], set); });
    default:
      return rows->Select(ask);
  }
}

Match Filter::AskOther(const Condition& condition, const uint8_t* value) {
  switch (condition.test) {
    case Test::kSet: {
      const Number number = ReadNumber(condition.form, value);
      if (!condition.hashes.MayHave(static_cast<uint64_t>(number))) return Match::kNo;
      return std::binary_search(condition.numbers, condition.numbers + condition.count, number) ? condition.equal
                                                                                                : Match::kNo;
    }
    case Test::kSignature: {
      const uint64_t bits = ReadAs<uint64_t>(value);
      for (size_t i = 0; i < condition.count; ++i)
        if ((condition.bits[i] & ~bits) == 0) return condition.equal;
      return Match::kNo;
    }
    case Test::kCall:
      return Call(condition, value) ? condition.equal : Match::kNo;
    default:
      return condition.equal;
  }
}

bool Filter::Call(const Condition& condition, const uint8_t* bytes) {
  const FilterColumn& column = *condition.column;
  alignas(8) char aligned[8];
  memcpy(aligned, bytes, column.place.size);
  const Datum value = fetch_att(aligned, true, column.place.size);
  for (size_t i = 0; i < condition.count; ++i)
    if (DatumGetBool(FunctionCall2Coll(condition.function, column.collation, value, condition.arguments[i])))
      return true;
  return false;
}

}  // namespace medvec::index
