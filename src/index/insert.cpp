#include "index/insert.hpp"

#include <new>

#include "index/stop_point.hpp"

namespace medvec::index {

namespace {

constexpr uint32_t kCoarseDim = 128;  // below, codes are coarse

// A neighbour that is told costs a page in the WAL, after a checkpoint a whole one. A build tells all; of what single
// insertions tell ten are enough (recall at ef 40 at 784, 1280 and 128 dimensions: .9987 for .9987, .9877 for .9926,
// .9461 for .9478), but not where codes are coarse (100 dimensions: .9189 for .9364).
constexpr size_t kToldByInsert = 10;

}  // namespace

hnsw::InsertParameters ParametersOf(const Index& index, bool concurrently) {
  hnsw::InsertParameters parameters;
  parameters.ef_construction = index.meta.ef_construction;
  parameters.look_again = concurrently;
  if (concurrently && index.meta.dim >= kCoarseDim) parameters.told = kToldByInsert;
  return parameters;
}

Inserter::Inserter(Index& index, bool concurrently)
    : index_(index),
      graph_(index),
      parameters_(ParametersOf(index, concurrently)),
      context_(AllocSetContextCreate(CurrentMemoryContext, "hnsw insertion", ALLOCSET_DEFAULT_SIZES)) {}

bool Inserter::Insert(const Datum* values, const bool* is_null, const ItemPointerData& tuple) {
  const MemoryContext outer = MemoryContextSwitchTo(context_);
  hnsw::Input input;
  const bool wanted = LoadVector(index_.operators, values[0], index_.meta.dim, &input);
  if (wanted) {
    EncodeKeys(index_.meta, index_.filter, values, is_null, keys_);
    graph_.SetTuple(tuple, keys_);
    for (;;) {
      const int level = LevelForTest(hnsw::DrawLevel(pg_prng_uint64(&pg_global_prng_state)));
      const hnsw::Inserted inserted = hnsw::Insert(index_.space, graph_, ServerMemory(), input, level, parameters_);
      graph_.EndInsertion();
      if (!inserted.duplicate || graph_.AddRow(inserted.node, inserted.error)) break;
      // The node died between search and now: search anew.
      CHECK_FOR_INTERRUPTS();
    }
  }
  MemoryContextSwitchTo(outer);
  MemoryContextReset(context_);
  return wanted;
}

bool InsertTuple(Relation relation, Datum* values, bool* is_null, ItemPointer tuple, Relation, IndexUniqueCheck, bool,
                 struct IndexInfo* info) {
  if (is_null[0]) return false;
  // Made once for a statement.
  Inserter* inserter = static_cast<Inserter*>(info->ii_AmCache);
  if (inserter == nullptr) {
    const MemoryContext outer = MemoryContextSwitchTo(info->ii_Context);
    inserter = new (palloc(sizeof(Inserter))) Inserter(*OpenIndex(relation), true);
    info->ii_AmCache = inserter;
    MemoryContextSwitchTo(outer);
  }
  inserter->Insert(values, is_null, *tuple);
  return false;
}

}  // namespace medvec::index
