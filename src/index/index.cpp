#include "index/index.hpp"

#include <bit>
#include <cmath>

#include "index/pages.hpp"

namespace medvec::index {

namespace {

// What the relation cache keeps: the metapage, the rotation's signs and the centre, one behind the other.
struct Cached {
  Meta meta;
  BlockNumber blocks;
};
constexpr size_t kCachedHeader = (sizeof(Cached) + 7) / 8 * 8;

// Of dense vectors; others are not rotated.
Rotation MakeRotation(const Meta& meta) {
  const bool dense = meta.codec < static_cast<uint8_t>(hnsw::VectorCodec::kBits);
  return Rotation(dense ? meta.dim : 0, meta.rotation_seed);
}

size_t CentreBytes(const Meta& meta) { return meta.centre_pages == 0 ? 0 : sizeof(float) * meta.dim; }

Family FamilyOf(const Meta& meta) {
  if (meta.codec == static_cast<uint8_t>(hnsw::VectorCodec::kBits)) return Family::kBits;
  return meta.codec == static_cast<uint8_t>(hnsw::VectorCodec::kSparse) ? Family::kSparse : Family::kDense;
}

// Errors out for a metapage that is not ours, of another version, or damaged: all that follows trusts these numbers.
void CheckMeta(Relation relation, const Meta& meta) {
  if (meta.magic != kMagic) RaiseCorrupted(relation, kMetaBlock, "it is no metapage");
  if (meta.version != kFormatVersion)
    ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
                    errmsg("index \"%s\" has format version %u, and this version of medvec reads %u",
                           RelationGetRelationName(relation), meta.version, kFormatVersion),
                    errhint("REINDEX INDEX \"%s\" builds it anew.", RelationGetRelationName(relation))));
  const Family family = FamilyOf(meta);
  const bool bits = family == Family::kBits, sparse = family == Family::kSparse;
  const uint32_t most_dim = bits ? hnsw::kMaxBits : sparse ? kMaxSparseDim : hnsw::kMaxDim;
  bool sound = meta.dim >= 1 && meta.dim <= most_dim && meta.max_degree <= hnsw::kMaxDegree &&
               family == GetOperatorClass(relation).family &&
               meta.metric <= static_cast<uint8_t>(hnsw::Metric::kJaccard) &&
               bits == (meta.metric >= static_cast<uint8_t>(hnsw::Metric::kHamming)) &&
               meta.codec <= static_cast<uint8_t>(hnsw::VectorCodec::kSparse) &&
               (sparse ? meta.code_bits == 0 : meta.code_bits == 1 || meta.code_bits == 2 || meta.code_bits == 4) &&
               HasKeysOf(relation, meta) && meta.blocks_per_group >= 1 && meta.pages_per_group >= 1 &&
               meta.blocks_per_group <= kUsable && meta.block_size <= 16 * 1024 * 1024;
  if (sound && bits)
    sound = meta.code_bytes >= 8 && meta.code_bytes % 8 == 0 && meta.code_bytes <= hnsw::BitBytes(meta.dim);
  if (sound && !bits && !sparse)  // of all dimensions, or a multiple of 64
    sound = meta.code_bytes / meta.code_bits % 8 == 0 || meta.code_bytes / meta.code_bits == (meta.dim + 7) / 8;
  if (sound && sparse) sound = meta.nonzeros >= 1 && meta.nonzeros <= kMaxSparseElements;
  if (sound) {
    const hnsw::Geometry g = GeometryOf(meta);
    sound = g.block_size + meta.key_bytes <= meta.block_size && g.code_bytes == meta.code_bytes &&
            uint64{meta.block_size} * meta.blocks_per_group <= uint64{kUsable} * meta.pages_per_group &&
            meta.centre_pages == (meta.centre_pages == 0 ? 0 : (sizeof(float) * meta.dim + kUsable - 1) / kUsable) &&
            (meta.centre_pages == 0 || !(bits || sparse)) &&
            (meta.row_code_bits == 0 || (!bits && !sparse && std::has_single_bit(meta.row_code_bits) &&
                                         meta.row_code_bits <= 4 && LayRows(meta).slots > 0));
  }
  if (!sound) RaiseCorrupted(relation, kMetaBlock, "its numbers contradict each other");
}

Index* MakeIndex(Relation relation, const Meta& meta, const uint64_t* signs, const float* centre) {
  Index* index = static_cast<Index*>(palloc0(sizeof(Index)));
  index->relation = relation;
  index->operators = GetOperatorClass(relation);
  index->meta = meta;
  index->filter = FilterColumns(relation, meta);
  index->rotation = MakeRotation(meta);
  uint64_t* table = static_cast<uint64_t*>(palloc(index->rotation.table_size()));
  if (signs != nullptr) {
    memcpy(table, signs, index->rotation.table_size());
    index->rotation.Attach(table);
  } else {
    index->rotation.Prepare(table);
  }
  float* own_centre = nullptr;
  if (centre != nullptr) {
    own_centre = static_cast<float*>(palloc(sizeof(float) * meta.dim));
    memcpy(own_centre, centre, sizeof(float) * meta.dim);
  }
  index->space = {GeometryOf(meta), &index->rotation, own_centre};
  index->rows = LayRows(meta);
  index->rows_per_page = index->rows.slots;
  index->row_space = index->space;
  if (meta.row_code_bits > 0)
    index->row_space.geometry =
        hnsw::MakeGeometry(meta.dim, index->geometry().metric, index->geometry().codec,
                           static_cast<int>(meta.row_code_bits), static_cast<int>(kRowsTogether));
  index->logged = true;
  return index;
}

void ReadCentre(Relation relation, const Meta& meta, float* centre) {
  const size_t bytes = CentreBytes(meta);
  for (uint32_t i = 0; i < meta.centre_pages; ++i) {
    const Buffer buffer = ReadBuffer(relation, kCentreBlock + i);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    CheckPage(relation, buffer, PageKind::kCentre);
    const size_t from = size_t{i} * kUsable;
    memcpy(reinterpret_cast<uint8_t*>(centre) + from, Usable(BufferGetPage(buffer)),
           Min(bytes - from, static_cast<size_t>(kUsable)));
    UnlockReleaseBuffer(buffer);
  }
  for (uint32_t i = 0; i < meta.dim && meta.centre_pages > 0; ++i)
    if (!std::isfinite(centre[i])) RaiseCorrupted(relation, kCentreBlock, "the centre is not finite");
}

void FillCache(Relation relation) {
  const BlockNumber blocks = RelationGetNumberOfBlocks(relation);
  if (blocks < kCentreBlock) RaiseCorrupted(relation, kMetaBlock, "the file is too short");
  const Buffer buffer = ReadBuffer(relation, kMetaBlock);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  CheckPage(relation, buffer, PageKind::kMeta);
  const Meta meta = As<Meta>(BufferGetPage(buffer));
  UnlockReleaseBuffer(buffer);
  CheckMeta(relation, meta);
  if (blocks < kCentreBlock + meta.centre_pages) RaiseCorrupted(relation, kCentreBlock, "the file is too short");

  Rotation rotation = MakeRotation(meta);
  const size_t table = rotation.table_size();
  uint8_t* memory = static_cast<uint8_t*>(palloc(kCachedHeader + table + CentreBytes(meta)));
  *reinterpret_cast<Cached*>(memory) = {meta, blocks};
  rotation.Prepare(reinterpret_cast<uint64_t*>(memory + kCachedHeader));
  ReadCentre(relation, meta, reinterpret_cast<float*>(memory + kCachedHeader + table));
  // One piece, which the relation cache frees.
  relation->rd_amcache = MemoryContextAlloc(relation->rd_indexcxt, kCachedHeader + table + CentreBytes(meta));
  memcpy(relation->rd_amcache, memory, kCachedHeader + table + CentreBytes(meta));
  pfree(memory);
}

}  // namespace

Index* OpenIndex(Relation relation) {
  if (relation->rd_amcache == nullptr) FillCache(relation);
  const uint8_t* memory = static_cast<const uint8_t*>(relation->rd_amcache);
  const Cached& cached = *reinterpret_cast<const Cached*>(memory);
  const uint64_t* signs = reinterpret_cast<const uint64_t*>(memory + kCachedHeader);
  const Rotation rotation = MakeRotation(cached.meta);
  const float* centre = reinterpret_cast<const float*>(memory + kCachedHeader + rotation.table_size());
  Index* index = MakeIndex(relation, cached.meta, signs, cached.meta.centre_pages == 0 ? nullptr : centre);
  index->blocks = cached.blocks;
  return index;
}

Index* NewIndex(Relation relation, const Meta& meta, const float* centre) {
  return MakeIndex(relation, meta, nullptr, centre);
}

void RaiseCorrupted(Relation relation, BlockNumber block, const char* what) {
  ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
                  errmsg("index \"%s\" is corrupted at block %u: %s", RelationGetRelationName(relation), block, what),
                  errhint("REINDEX INDEX \"%s\" builds it anew.", RelationGetRelationName(relation))));
  pg_unreachable();
}

hnsw::Memory ServerMemory(MemoryContext context) {
  return {[](void* memory_context, size_t size) {
            return MemoryContextAllocHuge(static_cast<MemoryContext>(memory_context), size);
          },
          [](void*, void* memory) { pfree(memory); }, context};
}

hnsw::Memory ServerMemory() { return ServerMemory(CurrentMemoryContext); }

}  // namespace medvec::index
