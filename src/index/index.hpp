// An open index: what its metapage says, in the form the core wants.
#pragma once

#include "core/hnsw/kernels.hpp"
#include "core/hnsw/memory.hpp"
#include "index/keys.hpp"
#include "index/layout.hpp"
#include "index/operator_class.hpp"
#include "pg/index.hpp"

namespace medvec::index {

// Rows whose distances are estimated at once.
inline constexpr uint32_t kRowsTogether = 64;

struct Index {
  Relation relation;
  OperatorClass operators;
  Meta meta;             // but for the entry, which is read anew for each search
  FilterColumn* filter;  // meta.key_columns of them
  hnsw::Space space;
  Rotation rotation;
  RowLayout rows;
  uint32_t rows_per_page;
  hnsw::Space row_space;  // of codes of rows
  BlockNumber blocks;     // there are at least so many
  bool logged;            // changes are WAL-logged as they are made (false while the index is being built)

  const hnsw::Geometry& geometry() const { return space.geometry; }
  bool has_row_codes() const { return rows.code_size > 0; }
  uint32_t key_bytes() const { return meta.key_bytes; }
  // Of a block of level 0 with one row.
  const uint8_t* KeysOf(const uint8_t* block) const { return block + space.geometry.block_size; }
};

// Reads the metapage, or takes what the relation cache remembers of it. Lives in the current memory context; does not
// change when the cache is reset.
// ERRCODE_INDEX_CORRUPTED, with the index and REINDEX, for what is no index of this format.
Index* OpenIndex(Relation relation);
// The same for an index that is being built, of which nothing is on disk.
Index* NewIndex(Relation relation, const Meta& meta, const float* centre);

// About how many nodes the index has, dead ones counted.
inline double NodeCount(const Index& index) {
  const double blocks = RelationGetNumberOfBlocks(index.relation);
  return blocks * index.meta.blocks_per_group / index.meta.pages_per_group;
}

// ERROR, ERRCODE_INDEX_CORRUPTED: names the index, says what is wrong with its block and to REINDEX.
[[noreturn]] void RaiseCorrupted(Relation relation, BlockNumber block, const char* what);

// palloc for the core: in the context that is current at the call.
hnsw::Memory ServerMemory();
hnsw::Memory ServerMemory(MemoryContext context);

}  // namespace medvec::index
