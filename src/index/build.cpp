// The build inserts row by row on the relation's own pages, by the code that INSERT uses, but without WAL; at the end
// the pages are logged as they are. So there is no second graph in memory and no size at which it would fall off.
#include "index/build.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/hnsw/choose_bit_geometry.hpp"
#include "core/hnsw/choose_geometry.hpp"
#include "core/hnsw/choose_sparse_geometry.hpp"
#include "core/hnsw/insert.hpp"
#include "index/load.hpp"
#include "index/options.hpp"
#include "index/pages.hpp"

namespace medvec::index {

namespace {

// The same for all indexes: two of the same rows are then alike.
constexpr uint64_t kRotationSeed = 0x6d65647665630001;

// `nonzeros`: of sparse vectors, the most that some rows have; 0: there are no rows.
// `key_bytes`: behind each block.
hnsw::Choice Choose(const OperatorClass& operators, uint32 dim, int m, uint32 nonzeros, size_t key_bytes) {
  switch (operators.family) {
    case Family::kBits:
      return hnsw::ChooseBitGeometry(dim, operators.metric, m, key_bytes);
    case Family::kSparse:
      return hnsw::ChooseSparseGeometry(operators.metric, m, nonzeros != 0 ? nonzeros : hnsw::kUnknownNonzeros,
                                        key_bytes);
    default:
      return hnsw::ChooseGeometry(dim, operators.metric, m, static_cast<size_t>(operators.element_bytes), key_bytes);
  }
}

// Bits a dimension of rows' codes, for the distances that codes estimate. Decision 0020.
uint32 RowCodeBits(const OperatorClass& operators, uint32 dim) {
  constexpr uint32 kLeastDim = 16;  // for estimates to be any good
  if (!operators.has_row_codes() || dim < kLeastDim) return 0;
  return dim <= 64 ? 4 : dim <= 256 ? 2 : 1;
}

Meta MakeMeta(Relation relation, uint32 nonzeros) {
  Meta meta{};
  LayKeys(relation, &meta);
  const OperatorClass operators = GetOperatorClass(relation);
  const Options options = GetOptions(relation);
  const uint32 dim = ColumnDimensions(relation);
  const uint32 key_bytes = (meta.key_bytes + 3) / 4 * 4;  // blocks start at multiples of 4
  const hnsw::Choice choice = Choose(operators, dim, options.m, nonzeros, key_bytes);
  meta.magic = kMagic, meta.version = kFormatVersion;
  meta.dim = dim;
  meta.m = static_cast<uint16_t>(options.m);
  meta.ef_construction = static_cast<uint16_t>(options.ef_construction);
  meta.metric = static_cast<uint8_t>(operators.metric);
  meta.codec = static_cast<uint8_t>(choice.geometry.codec);
  meta.code_bits = choice.geometry.code_bits;
  meta.code_bytes = choice.geometry.code_bytes;
  meta.nonzeros = choice.geometry.nonzeros;
  meta.level_ratio_log2 = static_cast<uint8_t>(std::countr_zero(static_cast<unsigned>(hnsw::kLevelRatio)));
  meta.max_degree = choice.geometry.max_degree;
  meta.block_size = choice.geometry.block_size + key_bytes;
  meta.blocks_per_group = choice.packing.blocks_per_group;
  meta.pages_per_group = choice.packing.pages_per_group;
  meta.rotation_seed = kRotationSeed;
  meta.entry = hnsw::kNoNode;
  meta.row_code_bits = RowCodeBits(operators, dim);
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

// ---- A sample of the rows

constexpr uint32_t kSample = 2000;

struct Sample {
  const OperatorClass* operators;
  uint32 dim;
  uint32 count;
  double* sum;      // of dense vectors
  uint32 nonzeros;  // the most of a sparse vector
  MemoryContext context;
};

void AddToSample(Relation, ItemPointer, Datum* values, bool* is_null, bool, void* state) {
  Sample* sample = static_cast<Sample*>(state);
  if (is_null[0] || sample->count >= kSample) return;
  const MemoryContext outer = MemoryContextSwitchTo(sample->context);
  hnsw::Input input;
  if (LoadVector(*sample->operators, values[0], sample->dim, &input)) {
    for (uint32 i = 0; sample->sum != nullptr && i < sample->dim; ++i) sample->sum[i] += input.elements[i];
    sample->nonzeros = std::max(sample->nonzeros, static_cast<uint32>(input.nonzeros.count));
    ++sample->count;
  }
  MemoryContextSwitchTo(outer);
  MemoryContextReset(sample->context);
}

Sample DrawSample(Relation heap, Relation relation, struct IndexInfo* info, const OperatorClass& operators,
                  uint32 dim) {
  Sample sample{&operators, dim, 0,
                nullptr,    0,   AllocSetContextCreate(CurrentMemoryContext, "hnsw sample", ALLOCSET_DEFAULT_SIZES)};
  const bool has_centre = operators.family == Family::kDense && operators.metric != hnsw::Metric::kInnerProduct;
  if (has_centre) sample.sum = static_cast<double*>(palloc0(sizeof(double) * dim));
  if (!has_centre && operators.family != Family::kSparse) return sample;
  BlockSamplerData sampler;
  BlockSampler_Init(&sampler, RelationGetNumberOfBlocks(heap), kSample, static_cast<uint32>(kRotationSeed));
  while (BlockSampler_HasMore(&sampler) && sample.count < kSample) {
    CHECK_FOR_INTERRUPTS();
    table_index_build_range_scan(heap, relation, info, false, true, false, BlockSampler_Next(&sampler), 1, AddToSample,
                                 &sample, nullptr);
  }
  MemoryContextDelete(sample.context);
  return sample;
}

// The mean of the sample in the blocks' form: vectors are stored as differences from it, which need fewer bits. Null
// for an empty table, and where there can be none.
float* FindCentre(const Sample& sample, const Meta& meta) {
  if (sample.sum == nullptr || sample.count == 0) return nullptr;
  float* centre = static_cast<float*>(palloc(sizeof(float) * meta.dim));
  for (uint32 i = 0; i < meta.dim; ++i) centre[i] = static_cast<float>(sample.sum[i] / sample.count);
  if (meta.metric != static_cast<uint8_t>(hnsw::Metric::kL1)) {
    Rotation rotation(meta.dim, meta.rotation_seed);
    rotation.Prepare(static_cast<uint64_t*>(palloc(rotation.table_size())));
    rotation.Apply(centre);
  }
  // Vectors near the end of float32 have none.
  for (uint32 i = 0; i < meta.dim; ++i)
    if (!std::isfinite(centre[i])) return nullptr;
  return centre;
}

// Meta, allocation and centre.
Index* CreatePages(Relation heap, Relation relation, struct IndexInfo* info) {
  CheckColumns(relation);
  const OperatorClass operators = GetOperatorClass(relation);
  const Sample sample = DrawSample(heap, relation, info, operators, ColumnDimensions(relation));
  Meta meta = MakeMeta(relation, sample.nonzeros);
  const float* centre = FindCentre(sample, meta);
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
  const Meta meta = MakeMeta(relation, 0);
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
