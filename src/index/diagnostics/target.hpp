// The index that a diagnostic function is asked about.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

struct Target {
  Relation heap, index;
  LOCKMODE lock;  // of the table

  // Private: what CloseTarget restores.
  Oid user;
  int security_context;
  int guc_level;
};

// Locks the table in this mode, then the index, and becomes the table's owner under security restrictions until
// CloseTarget (or the end of the transaction): index expressions are that user's code.
//
// Errors: 42P01 there is no such relation; 42809 it is no hnsw index, or a partitioned one, which has no pages; 42501
// the caller neither owns the table nor (from version 17 on) may maintain it; 0A000 another session's temporary table;
// 55000 CREATE INDEX CONCURRENTLY has not finished.
Target OpenTarget(Oid index, LOCKMODE lock);
void CloseTarget(const Target& target);

}  // namespace medvec::index
