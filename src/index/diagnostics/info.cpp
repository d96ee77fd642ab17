// hnsw_info: what an index is and how it fills its pages, in one pass over them. Others may write meanwhile: each page
// is counted as it is when it is read.
#include "core/hnsw/insert.hpp"
#include "index/allocation.hpp"
#include "index/diagnostics/target.hpp"
#include "pg/arrays.hpp"
#include "pg/records.hpp"

namespace medvec::index {

namespace {

constexpr const char* kMetricNames[] = {"l2", "inner product", "cosine", "l1", "hamming", "jaccard"};
constexpr const char* kCodecNames[] = {"float32", "float16", "int8", "int12", "int16", "bits", "sparse"};

struct Counts {
  int64 pages[static_cast<int>(PageKind::kCodes) + 1];  // by kind; 0: empty
  int64 upper_pages;                                    // of kNodes
  int64 rows;
  int64 levels[hnsw::kMaxLevel + 1];  // live nodes
  int64 dead, closed, free;           // blocks, of all levels
  int64 links;                        // of live nodes of level 0
  int64 degrees[hnsw::kMaxDegree + 1];
};

void CountBlock(const Index& index, const hnsw::BlockHeader& header, Counts& counts) {
  if (!(header.flags & hnsw::kWritten)) {
    ++counts.free;
  } else if (header.flags & hnsw::kClosed) {
    ++counts.closed;
  } else if (header.flags & hnsw::kDead) {
    ++counts.dead;
  } else {
    ++counts.levels[Min(static_cast<int>(header.level), hnsw::kMaxLevel)];
    if (header.level > 0) return;
    const uint16_t degree = Min(header.degree, index.meta.max_degree);
    counts.links += degree;
    ++counts.degrees[degree];
  }
}

// The blocks whose headers begin in this page, which is locked. A header over the page's end is read by itself.
void CountBlocks(Index& index, BlockNumber block, Page page, Counts& counts, hnsw::Array<NodeId>& split) {
  const uint16_t position = Tail(page).position & ~kUpperLevels;
  if (Tail(page).position & kUpperLevels) ++counts.upper_pages;
  if (position >= index.meta.pages_per_group || position > block) return;
  const uint64 from = uint64{position} * kUsable, size = index.meta.block_size;
  for (uint64 slot = (from + size - 1) / size; slot < index.meta.blocks_per_group && slot * size < from + kUsable;
       ++slot) {
    const uint32_t offset = static_cast<uint32_t>(slot * size - from);
    if (offset + sizeof(hnsw::BlockHeader) > kUsable) {
      split.Append(ServerMemory(), (block - position) * index.meta.blocks_per_group + static_cast<NodeId>(slot));
      continue;
    }
    hnsw::BlockHeader header;
    memcpy(&header, Usable(page) + offset, sizeof header);
    CountBlock(index, header, counts);
  }
}

void CountPages(Index& index, BlockNumber blocks, Counts& counts) {
  const BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
  hnsw::Array<NodeId> split = {};
  for (BlockNumber block = 0; block < blocks; ++block) {
    CHECK_FOR_INTERRUPTS();
    const Buffer buffer = ReadBufferExtended(index.relation, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const Page page = BufferGetPage(buffer);
    uint16_t kind = 0;
    if (!PageIsNew(page)) {
      if (PageGetSpecialSize(page) != sizeof(PageTail) || Tail(page).page_id != kMagic || Tail(page).kind == 0 ||
          Tail(page).kind > static_cast<uint16_t>(PageKind::kCodes))
        RaiseCorrupted(index.relation, block, "the page is none of an hnsw index");
      kind = Tail(page).kind;
    }
    ++counts.pages[kind];
    if (kind == static_cast<uint16_t>(PageKind::kNodes)) CountBlocks(index, block, page, counts, split);
    if (kind == static_cast<uint16_t>(PageKind::kRows)) counts.rows += RowPage(index, page).Tuples().Count();
    UnlockReleaseBuffer(buffer);
    for (size_t i = 0; i < split.size; ++i) CountBlock(index, ReadHeader(index, split[i]), counts);
    split.size = 0;
  }
  split.Free(ServerMemory());
}

// bigint[] whose first subscript is 0.
Datum MakeArray(const int64* values, int count) {
  Datum* elements = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<size_t>(count)));
  for (int i = 0; i < count; ++i) elements[i] = Int64GetDatum(values[i]);
  int dims[1] = {count}, first[1] = {0};
  return PointerGetDatum(construct_md_array(elements, nullptr, 1, dims, first, INT8OID, 8, FLOAT8PASSBYVAL, 'd'));
}

// The columns in their order.
class Columns {
 public:
  void Add(Datum value, bool is_null = false) { values[count] = value, nulls[count++] = is_null; }
  void AddInt(int64 value) { Add(Int32GetDatum(static_cast<int32>(value))); }
  void AddLong(int64 value) { Add(Int64GetDatum(value)); }
  void AddText(const char* text) { Add(CStringGetTextDatum(text)); }
  void AddReal(double value, bool is_null) { Add(Float8GetDatum(value), is_null); }

  static constexpr int kMost = 40;
  Datum values[kMost];
  bool nulls[kMost];
  int count = 0;
};

void AddMeta(const Meta& meta, Columns& columns) {
  columns.AddInt(meta.version);
  columns.AddText(kMetricNames[meta.metric]);
  columns.AddInt(meta.dim);
  columns.AddInt(meta.m);
  columns.AddInt(meta.ef_construction);
  columns.AddText(kCodecNames[meta.codec]);
  columns.AddInt(meta.code_bits);
  columns.AddInt(meta.code_bytes);
  columns.AddInt(meta.max_degree);
  columns.AddInt(meta.block_size);
  columns.AddInt(meta.blocks_per_group);
  columns.AddInt(meta.pages_per_group);
  columns.AddInt(meta.key_columns);
  columns.AddInt(meta.key_bytes);
}

void AddCounts(const Index& index, const Counts& counts, Columns& columns) {
  const auto pages = [&](PageKind kind) { return counts.pages[static_cast<int>(kind)]; };
  int top = hnsw::kMaxLevel, least = 0, most = index.meta.max_degree;
  while (top > 0 && counts.levels[top] == 0) --top;
  while (least < most && counts.degrees[least] == 0) ++least;
  while (most > least && counts.degrees[most] == 0) --most;
  const bool none = counts.levels[0] == 0;
  int64 all_pages = 0;
  for (const int64 count : counts.pages) all_pages += count;

  columns.AddLong(counts.rows);
  columns.AddLong(counts.levels[0]);
  columns.AddLong(counts.dead);
  columns.AddLong(counts.closed);
  columns.AddLong(counts.free);
  columns.Add(MakeArray(counts.levels, top + 1));
  columns.Add(Int32GetDatum(least), none);
  columns.AddReal(none ? 0 : static_cast<double>(counts.links) / static_cast<double>(counts.levels[0]), none);
  columns.Add(Int32GetDatum(most), none);
  columns.Add(MakeArray(counts.degrees, index.meta.max_degree + 1));
  columns.AddLong(all_pages);
  columns.AddLong(all_pages * BLCKSZ);
  columns.AddLong((pages(PageKind::kMeta) + pages(PageKind::kAllocation)) * BLCKSZ);
  columns.AddLong(pages(PageKind::kCentre) * BLCKSZ);
  columns.AddLong((pages(PageKind::kNodes) - counts.upper_pages) * BLCKSZ);
  columns.AddLong(counts.upper_pages * BLCKSZ);
  columns.AddLong((pages(PageKind::kRows) + pages(PageKind::kCodes)) * BLCKSZ);
  columns.AddLong(pages(PageKind::kDirectory) * BLCKSZ);
  columns.AddLong(counts.pages[0] * BLCKSZ);
  columns.AddReal(counts.rows == 0 ? 0 : static_cast<double>(all_pages) * BLCKSZ / static_cast<double>(counts.rows),
                  counts.rows == 0);
}

Columns Describe(Oid oid) {
  const Target target = OpenTarget(oid, AccessShareLock);
  Index& index = *OpenIndex(target.index);
  Counts counts{};
  CountPages(index, RelationGetNumberOfBlocks(target.index), counts);
  Columns columns;
  AddMeta(index.meta, columns);
  AddCounts(index, counts, columns);
  CloseTarget(target);
  return columns;
}

}  // namespace

}  // namespace medvec::index

MEDVEC_FUNCTION(medvec_hnsw_info) {
  TupleDesc row;
  if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE) elog(ERROR, "return type must be a row type");
  auto columns = medvec::index::Describe(PG_GETARG_OID(0));
  if (columns.count != row->natts) elog(ERROR, "hnsw_info has other columns than declared");
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), columns.values, columns.nulls));
}
