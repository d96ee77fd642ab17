// The bytes of the index on disk: the one place that knows them, but for the bytes of a block (core/hnsw/geometry.hpp).
// A promise to every index there is: a change raises kFormatVersion.
//
//   block 0      Meta: what the index is, and the entry of its graph
//   block 1      Allocation: where the next block, row or page goes
//   block 2 ...  the centre of the vectors, `centre_pages` pages of float32; none for an index created empty
//   then, as they are needed:
//   node groups  `pages_per_group` neighbouring pages with `blocks_per_group` blocks, one behind the other in the
//   usable
//                bytes of the pages; level 0 and the levels above have groups of their own
//   row pages    rows, by columns; behind each, if rows have codes, `code_pages` pages of codes
//   directories  the blocks of row pages, and of groups of upper levels, in order
//
// Every page ends in a PageTail. Numbers are in the machine's order and aligned as the structs say.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/hnsw/choose_geometry.hpp"

namespace medvec::index {

inline constexpr uint32_t kMagic = 0x4d56484e;
inline constexpr uint32_t kFormatVersion = 4;

inline constexpr uint32_t kMetaBlock = 0;
inline constexpr uint32_t kAllocationBlock = 1;
inline constexpr uint32_t kCentreBlock = 2;
inline constexpr uint32_t kNoBlock = 0xffffffff;

enum class PageKind : uint16_t { kMeta = 1, kAllocation, kCentre, kNodes, kRows, kDirectory, kCodes };

inline constexpr uint16_t kUpperLevels = 0x8000;  // in `position`: a page of an upper group

struct PageTail {
  uint16_t kind;
  uint16_t position;  // of a page in its group, or in the centre; of a page of codes behind its row page, from 1 on
  uint32_t next;      // free list of groups or row pages; 0: not in it, kNoBlock: its end
  uint32_t ordinal;   // of a row page or a directory page
  uint32_t page_id;   // kMagic, as pages of other access methods have theirs
};
static_assert(sizeof(PageTail) == 16);

// Usable bytes of a page: behind its header of 24 bytes, before its tail.
inline constexpr uint32_t kPageHeader = 24;
inline constexpr uint32_t kUsable = static_cast<uint32_t>(hnsw::kUsablePageSize);
static_assert(kPageHeader + kUsable + sizeof(PageTail) == hnsw::kPageSize);

// A further key column, a filter column. Each row carries the keys of its heap tuple, in its page's columns, and each
// block of level 0 behind its own bytes those of its row, unless it has several (kShared):
//
//   a bit for each column, set: NULL
//   its value, zeros for NULL, in `size` bytes at `offset`
enum class Encoding : uint8_t {
  kValue = 1,  // the value, one that is passed by value
  kPrefix,     // the first 8 bytes of a uuid, as a signed number that compares as they do
  kHash,       // the extended hash of a value of any length, 8 bytes
  kNumeric,    // the float8 nearest to a numeric
  kSignature   // of an array: three bits of 64 for each element that is not NULL
};
struct KeyColumn {
  uint16_t offset;
  uint8_t size;
  Encoding encoding;
};
inline constexpr int kMaxKeyColumns = 31;
inline constexpr uint32_t kMaxKeyBytes = (kMaxKeyColumns + 7) / 8 + kMaxKeyColumns * 8;

struct Meta {
  uint32_t magic, version;
  uint32_t dim;
  uint16_t m, ef_construction;
  uint8_t metric, codec, code_bits, level_ratio_log2;
  uint16_t max_degree;
  uint16_t key_bytes;   // of a row
  uint32_t block_size;  // with the keys behind the block's own bytes
  uint32_t blocks_per_group, pages_per_group;
  uint64_t rotation_seed;
  uint32_t centre_pages;
  uint32_t entry;  // hnsw::Entry
  uint32_t entry_level;
  uint32_t key_columns;
  KeyColumn keys[kMaxKeyColumns];
  uint32_t code_bytes;     // of a neighbour
  uint32_t nonzeros;       // of a sparse vector that a block holds
  uint32_t row_code_bits;  // a dimension; 0: rows have no codes
};
static_assert(offsetof(Meta, keys) == 64 && sizeof(Meta) == 64 + 4 * kMaxKeyColumns + 12);

// The geometry of its blocks.
constexpr hnsw::Geometry GeometryOf(const Meta& meta) {
  const hnsw::Metric metric = static_cast<hnsw::Metric>(meta.metric);
  const hnsw::VectorCodec codec = static_cast<hnsw::VectorCodec>(meta.codec);
  if (codec == hnsw::VectorCodec::kBits)
    return hnsw::MakeBitGeometry(meta.dim, metric, meta.code_bytes, meta.max_degree);
  if (codec == hnsw::VectorCodec::kSparse) return hnsw::MakeSparseGeometry(metric, meta.nonzeros, meta.max_degree);
  return hnsw::MakeGeometry(meta.dim, metric, codec, meta.code_bits, meta.max_degree,
                            size_t{8} * (meta.code_bytes / meta.code_bits));
}

// Groups of one kind, or row pages. Only who holds the allocation page takes a slot.
struct Area {
  uint32_t current;     // group or row page that takes slots; kNoBlock: none
  uint32_t next_slot;   // in it
  uint32_t first_free;  // groups or row pages with slots that may be used again; kNoBlock: none
  uint32_t last_free;
  uint32_t count;  // groups or row pages there are
};

// A row page's place in the directory is its ordinal: row number / rows per page. 2037 x 815 rows a directory page.
inline constexpr uint32_t kRowDirectories = 1500, kUpperDirectories = 450;
struct Allocation {
  Area nodes, upper, rows;
  uint32_t spare;
  uint32_t row_directory[kRowDirectories];
  uint32_t upper_directory[kUpperDirectories];
};
static_assert(sizeof(Allocation) <= kUsable);

inline constexpr uint32_t kDirectoryEntries = kUsable / 4;

// A row: an entry of a heap tuple. Rows of one node form a chain, newest first: the block leads to the newest; each but
// the oldest has a link behind it, in the next slot of its page. So a row alone needs one slot.
//
// A row page holds its rows by columns, so that a condition is asked of all of them at once: arrays over its slots, one
// behind the other.
//
//   uint32_t   node
//   uint32_t   block number of the heap tuple
//   uint16_t   its offset number, which tells what the slot holds
//   bits       for each filter column, set: NULL
//   values     of each filter column, zeros for NULL
//
//   offset number   slot
//   0               empty
//   kLinkRow        block number: the next row of the chain (kNoRow: none), for the row in the slot before
//   kClosedRow      out of its chain; block number and node: the transaction id of that time, low half and high. Used
//                   again once no running transaction is older.
//   other           the heap tuple's
//
// A row's code is that of its node's stored vector as a neighbour of the centre (core/hnsw/dense_kernels.hpp), for a
// scan that has many matches to look at the best first. It is written before its row, by a record of its own.
//
//   uint16_t   norm
//   uint8_t    rescale
//   code       of all dimensions
inline constexpr uint32_t kRescaleInCode = 2, kBitsInCode = 3;
struct RowLayout {
  uint32_t slots;       // of a page
  uint32_t null_bytes;  // of a column
  // Where the arrays are in the usable bytes; nodes at 0.
  uint32_t blocks, offsets, nulls, end;
  uint32_t values[kMaxKeyColumns];
  uint32_t code_size;  // of a row, with norm and rescale; 0: there are none
  uint32_t codes_per_page, code_pages;
};
inline constexpr uint32_t kMostCodePages = 16;
constexpr RowLayout LayRows(const Meta& meta) {
  uint32_t value_bytes = 0;
  for (uint32_t i = 0; i < meta.key_columns; ++i) value_bytes += meta.keys[i].size;
  const uint32_t row_bytes = 2 * sizeof(uint32_t) + sizeof(uint16_t) + value_bytes;
  RowLayout rows{};
  rows.slots = kUsable * 8 / (row_bytes * 8 + meta.key_columns);
  while (rows.slots * row_bytes + (rows.slots + 7) / 8 * meta.key_columns > kUsable) --rows.slots;
  if (meta.row_code_bits > 0) {
    rows.code_size = kBitsInCode + (meta.dim + 7) / 8 * meta.row_code_bits;
    rows.codes_per_page = kUsable / rows.code_size;
    if (rows.codes_per_page == 0) return {};  // impossible
    // Full pages of codes cost less than row pages that are nearly full.
    rows.code_pages = rows.slots / rows.codes_per_page;
    rows.code_pages = rows.code_pages < 1 ? 1 : rows.code_pages > kMostCodePages ? kMostCodePages : rows.code_pages;
    if (rows.slots > rows.code_pages * rows.codes_per_page) rows.slots = rows.code_pages * rows.codes_per_page;
  }
  rows.null_bytes = (rows.slots + 7) / 8;
  rows.blocks = rows.slots * 4;
  rows.offsets = rows.slots * 8;
  rows.nulls = rows.slots * 10;
  rows.end = rows.nulls + rows.null_bytes * meta.key_columns;
  for (uint32_t i = 0; i < meta.key_columns; ++i) {
    rows.values[i] = rows.end;
    rows.end += rows.slots * meta.keys[i].size;
  }
  return rows;
}
inline constexpr uint32_t kMostRows = kUsable / 10;  // of a page
inline constexpr uint32_t kNoRow = 0xffffffff;
inline constexpr uint16_t kLinkRow = 0xffff, kClosedRow = 0xfffe;

}  // namespace medvec::index
