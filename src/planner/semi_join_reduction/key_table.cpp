#include "planner/semi_join_reduction/key_table.hpp"

#include "pg/arrays.hpp"

namespace medvec::planner::semi_join_reduction {

KeyOperators::KeyOperators(const OpExpr& equality) : collation(equality.inputcollid) {
  type = getBaseType(exprType(static_cast<Node*>(lsecond(equality.args))));
  get_typlenbyvalalign(type, &length, &by_value, &alignment);
  Oid left_hash, right_hash, right_equality;
  if (!get_op_hash_functions(equality.opno, &left_hash, &right_hash) ||
      !get_compatible_hash_operators(equality.opno, nullptr, &right_equality))
    elog(ERROR, "operator %u is not hashable", equality.opno);
  fmgr_info(get_opcode(equality.opno), &equal);
  fmgr_info(get_opcode(right_equality), &equal_right);
  fmgr_info(left_hash, &hash_left);
  fmgr_info(right_hash, &hash_right);
}

KeyTable::KeyTable(KeyOperators& operators, MemoryContext context)
    : operators_(operators), context_(context), entries_(Allocate(capacity_)) {}

KeyTable::Entry* KeyTable::Allocate(size_t capacity) const {
  const size_t bytes = capacity * sizeof(Entry);
  return static_cast<Entry*>(memset(MemoryContextAllocHuge(context_, bytes), 0, bytes));
}

void KeyTable::Grow() {
  Entry* old = entries_;
  const size_t old_capacity = capacity_;
  capacity_ *= 2;
  entries_ = Allocate(capacity_);
  for (const Entry* entry = old; entry < old + old_capacity; ++entry) {
    if (!entry->is_used) continue;
    size_t at = entry->hash & (capacity_ - 1);
    while (entries_[at].is_used) at = (at + 1) & (capacity_ - 1);
    entries_[at] = *entry;
  }
  pfree(old);
}

void KeyTable::Add(Datum key, TupleTableSlot* row, bool all) {
  if (2 * count_ >= capacity_) Grow();
  const uint32 hash = DatumGetUInt32(FunctionCall1Coll(&operators_.hash_right, operators_.collation, key));
  size_t at = hash & (capacity_ - 1);
  for (; entries_[at].is_used; at = (at + 1) & (capacity_ - 1))
    if (entries_[at].hash == hash &&
        DatumGetBool(FunctionCall2Coll(&operators_.equal_right, operators_.collation, entries_[at].key, key)))
      break;
  Entry& entry = entries_[at];
  if (entry.is_used && !all) return;
  MemoryContext outer = MemoryContextSwitchTo(context_);
  if (!entry.is_used) {
    entry = {datumCopy(key, operators_.by_value, operators_.length), nullptr, hash, true};
    ++count_;
  }
  Row* kept = static_cast<Row*>(palloc(sizeof(Row)));
  *kept = {entry.rows, ExecCopySlotMinimalTuple(row)};
  entry.rows = kept;
  MemoryContextSwitchTo(outer);
}

const KeyTable::Row* KeyTable::Find(Datum left_key) const {
  const uint32 hash = DatumGetUInt32(FunctionCall1Coll(&operators_.hash_left, operators_.collation, left_key));
  for (size_t at = hash & (capacity_ - 1); entries_[at].is_used; at = (at + 1) & (capacity_ - 1)) {
    const Entry& entry = entries_[at];
    if (entry.hash == hash &&
        DatumGetBool(FunctionCall2Coll(&operators_.equal, operators_.collation, left_key, entry.key)))
      return entry.rows;
  }
  return nullptr;
}

Datum KeyTable::Keys() const {
  MemoryContext outer = MemoryContextSwitchTo(context_);
  Datum* keys = static_cast<Datum*>(palloc_extended(Max(count_, 1) * sizeof(Datum), MCXT_ALLOC_HUGE));
  size_t filled = 0;
  for (size_t at = 0; at < capacity_; ++at)
    if (entries_[at].is_used) keys[filled++] = entries_[at].key;
  const Datum array = PointerGetDatum(construct_array(keys, static_cast<int>(count_), operators_.type,
                                                      operators_.length, operators_.by_value, operators_.alignment));
  pfree(keys);
  MemoryContextSwitchTo(outer);
  return array;
}

}  // namespace medvec::planner::semi_join_reduction
