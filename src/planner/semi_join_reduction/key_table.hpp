// The rows of the other side of a join, by the value of its key.
#pragma once

#include "pg/executor.hpp"

namespace medvec::planner::semi_join_reduction {

// What `key = value` needs: the key of a row with a vector on the left, that of the other side on the right. The types
// may differ.
struct KeyOperators {
  explicit KeyOperators(const OpExpr& equality);

  Oid collation, type;  // of the right side
  int16 length;
  bool by_value;
  char alignment;
  FmgrInfo equal, equal_right, hash_left, hash_right;
};

// Open addressing, doubled when half full. All it keeps is in its memory context.
class KeyTable {
 public:
  struct Row {
    Row* next;
    MinimalTuple tuple;
  };

  KeyTable(KeyOperators& operators, MemoryContext context);

  // Of a key that is there already the row is kept if `all` are.
  void Add(Datum key, TupleTableSlot* row, bool all);
  // Null: no row has the key.
  const Row* Find(Datum left_key) const;
  // The keys, each once, as an array of their type. It lives as long as the table.
  Datum Keys() const;
  size_t keys() const { return count_; }
  size_t bytes() const { return MemoryContextMemAllocated(context_, true); }

 private:
  struct Entry {
    Datum key;
    Row* rows;
    uint32 hash;
    bool is_used;
  };

  Entry* Allocate(size_t capacity) const;
  void Grow();

  KeyOperators& operators_;
  const MemoryContext context_;
  size_t capacity_ = 1024, count_ = 0;
  Entry* entries_;
};

}  // namespace medvec::planner::semi_join_reduction
