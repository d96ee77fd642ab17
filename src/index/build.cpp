// The build inserts row by row on the relation's own pages, by the code that INSERT uses, but without WAL; at the end
// the pages are logged as they are. So there is no second graph in memory and no size at which it would fall off.
#include "index/build.hpp"

#include <bit>
#include <cmath>

#include "core/hnsw/choose_geometry.hpp"
#include "core/hnsw/insert.hpp"
#include "index/load.hpp"
#include "index/options.hpp"
#include "index/pages.hpp"

namespace medvec::index {

namespace {

// The same for all indexes: two of the same rows are then alike.
constexpr uint64_t kRotationSeed = 0x6d65647665630001;

Meta MakeMeta(Relation relation) {
  const OperatorClass operators = GetOperatorClass(relation);
  const Options options = GetOptions(relation);
  const int dim = operators.dimensions(TupleDescAttr(RelationGetDescr(relation), 0)->atttypmod);
  const hnsw::Choice choice =
      hnsw::ChooseGeometry(static_cast<size_t>(dim), operators.metric, options.m, sizeof(float));
  Meta meta{};
  meta.magic = kMagic, meta.version = kFormatVersion;
  meta.dim = static_cast<uint32_t>(dim);
  meta.m = static_cast<uint16_t>(options.m);
  meta.ef_construction = static_cast<uint16_t>(options.ef_construction);
  meta.metric = static_cast<uint8_t>(operators.metric);
  meta.codec = static_cast<uint8_t>(choice.geometry.codec);
  meta.code_bits = choice.geometry.code_bits;
  meta.level_ratio_log2 = static_cast<uint8_t>(std::countr_zero(static_cast<unsigned>(hnsw::kLevelRatio)));
  meta.max_degree = choice.geometry.max_degree;
  meta.row_size = kRowHeader;
  meta.block_size = choice.geometry.block_size;
  meta.blocks_per_group = choice.packing.blocks_per_group;
  meta.pages_per_group = choice.packing.pages_per_group;
  meta.rotation_seed = kRotationSeed;
  meta.entry = hnsw::kNoNode;
  return meta;
}

void InitMetaPage(Page page, const Meta& meta) {
  InitPage(page, PageKind::kMeta);
  As<Meta>(page) = meta;
  SetUsed(page, sizeof(Meta));
}

void InitAllocationPage(Page page) {
  InitPage(page, PageKind::kAllocation);
  Allocation& allocation = As<Allocation>(page);
  for (Area* area : {&allocation.nodes, &allocation.upper, &allocation.rows})
    *area = {kNoBlock, 0, kNoBlock, kNoBlock, 0};
  SetUsed(page, sizeof(Allocation));
}

// Adds a page to a fork, locked.
Buffer NewPage(Relation relation, ForkNumber fork) {
  const Buffer buffer = ReadBufferExtended(relation, fork, P_NEW, RBM_NORMAL, nullptr);
  LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  return buffer;
}

// ---- The centre: vectors are stored as differences from it, which need fewer bits

constexpr uint32_t kCentreSample = 2000;

struct CentreState {
  const OperatorClass* operators;
  int dim;
  uint32_t count;
  double* sum;
  float* vector;
  MemoryContext context;
};

void AddToCentre(Relation, ItemPointer, Datum* values, bool* is_null, bool, void* state) {
  CentreState* centre = static_cast<CentreState*>(state);
  if (is_null[0] || centre->count >= kCentreSample) return;
  const MemoryContext outer = MemoryContextSwitchTo(centre->context);
  if (LoadVector(*centre->operators, values[0], centre->dim, centre->vector)) {
    for (int i = 0; i < centre->dim; ++i) centre->sum[i] += centre->vector[i];
    ++centre->count;
  }
  MemoryContextSwitchTo(outer);
  MemoryContextReset(centre->context);
}

// The mean of some rows, in the blocks' form; null for an empty table, and where there can be none.
float* FindCentre(Relation heap, Relation relation, struct IndexInfo* info, const Meta& meta) {
  const OperatorClass operators = GetOperatorClass(relation);
  if (operators.metric == hnsw::Metric::kInnerProduct) return nullptr;
  const int dim = static_cast<int>(meta.dim);
  CentreState state{&operators,
                    dim,
                    0,
                    static_cast<double*>(palloc0(sizeof(double) * meta.dim)),
                    static_cast<float*>(palloc(sizeof(float) * meta.dim)),
                    AllocSetContextCreate(CurrentMemoryContext, "hnsw centre", ALLOCSET_DEFAULT_SIZES)};
  BlockSamplerData sampler;
  BlockSampler_Init(&sampler, RelationGetNumberOfBlocks(heap), kCentreSample, static_cast<uint32>(meta.rotation_seed));
  while (BlockSampler_HasMore(&sampler) && state.count < kCentreSample) {
    CHECK_FOR_INTERRUPTS();
    table_index_build_range_scan(heap, relation, info, false, true, false, BlockSampler_Next(&sampler), 1, AddToCentre,
                                 &state, nullptr);
  }
  MemoryContextDelete(state.context);
  if (state.count == 0) return nullptr;
  for (int i = 0; i < dim; ++i) state.vector[i] = static_cast<float>(state.sum[i] / state.count);
  pfree(state.sum);
  if (meta.metric != static_cast<uint8_t>(hnsw::Metric::kL1)) {
    Rotation rotation(meta.dim, meta.rotation_seed);
    rotation.Prepare(static_cast<uint64_t*>(palloc(rotation.table_size())));
    rotation.Apply(state.vector);
  }
  // Vectors near the end of float32 have none.
  for (int i = 0; i < dim; ++i)
    if (!std::isfinite(state.vector[i])) return nullptr;
  return state.vector;
}

// Meta, allocation and centre.
Index* CreatePages(Relation heap, Relation relation, struct IndexInfo* info) {
  Meta meta = MakeMeta(relation);
  const float* centre = FindCentre(heap, relation, info, meta);
  const uint32_t bytes = centre == nullptr ? 0 : static_cast<uint32_t>(sizeof(float)) * meta.dim;
  meta.centre_pages = (bytes + kUsable - 1) / kUsable;
  Buffer buffer = NewPage(relation, MAIN_FORKNUM);
  InitMetaPage(BufferGetPage(buffer), meta);
  MarkBufferDirty(buffer);
  UnlockReleaseBuffer(buffer);
  buffer = NewPage(relation, MAIN_FORKNUM);
  InitAllocationPage(BufferGetPage(buffer));
  MarkBufferDirty(buffer);
  UnlockReleaseBuffer(buffer);
  for (uint32_t i = 0; i < meta.centre_pages; ++i) {
    buffer = NewPage(relation, MAIN_FORKNUM);
    const Page page = BufferGetPage(buffer);
    InitPage(page, PageKind::kCentre);
    Tail(page).position = static_cast<uint16_t>(i);
    const uint32_t from = i * kUsable, part = Min(bytes - from, kUsable);
    memcpy(Usable(page), reinterpret_cast<const uint8_t*>(centre) + from, part);
    SetUsed(page, part);
    MarkBufferDirty(buffer);
    UnlockReleaseBuffer(buffer);
  }
  Index* index = NewIndex(relation, meta, centre);
  index->logged = false;
  return index;
}

}  // namespace

char* BuildPhaseName(int64 phase) {
  switch (phase) {
    case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
      return pstrdup("initializing");
    case kPhaseLoad:
      return pstrdup("loading tuples");
    case kPhaseLog:
      return pstrdup("writing WAL");
    default:
      return nullptr;
  }
}

IndexBuildResult* BuildIndex(Relation heap, Relation relation, struct IndexInfo* info) {
  if (RelationGetNumberOfBlocks(relation) != 0)
    elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(relation));
  Index* index = CreatePages(heap, relation, info);

  pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, kPhaseLoad);
  const Loaded loaded = Load(heap, index, info);

  if (RelationNeedsWAL(relation)) {
    pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, kPhaseLog);
    log_newpage_range(relation, MAIN_FORKNUM, 0, RelationGetNumberOfBlocks(relation), true);
  }
  IndexBuildResult* result = static_cast<IndexBuildResult*>(palloc(sizeof(IndexBuildResult)));
  result->heap_tuples = loaded.heap_tuples;
  result->index_tuples = loaded.index_tuples;
  return result;
}

void BuildEmptyIndex(Relation relation) {
  const Meta meta = MakeMeta(relation);
  for (const BlockNumber block : {kMetaBlock, kAllocationBlock}) {
    const Buffer buffer = NewPage(relation, INIT_FORKNUM);
    START_CRIT_SECTION();
    if (block == kMetaBlock)
      InitMetaPage(BufferGetPage(buffer), meta);
    else
      InitAllocationPage(BufferGetPage(buffer));
    MarkBufferDirty(buffer);
    log_newpage_buffer(buffer, true);
    END_CRIT_SECTION();
    UnlockReleaseBuffer(buffer);
  }
}

}  // namespace medvec::index
