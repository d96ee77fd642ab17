#include <new>

#include "index/diagnostics/checker.hpp"

namespace medvec::index {

namespace {

// The row in a slot, and the one that its link names (kNoRow: there is no link).
struct RowCopy {
  bool is_tuple;
  ItemPointerData tuple;
  uint32_t node, next;
  uint8_t keys[kMaxKeyBytes];
};

RowCopy ReadRow(Checker& checker, uint32_t number) {
  const uint32_t slots = checker.index.rows_per_page, slot = number % slots;
  const Buffer buffer =
      ReadPage(checker.index, checker.rows.blocks[number / slots], PageKind::kRows, BUFFER_LOCK_SHARE);
  const RowPage rows(checker.index, BufferGetPage(buffer));
  const Row row = rows[slot];
  RowCopy copy;
  copy.is_tuple = row.is_tuple(), copy.tuple = row.tuple(), copy.node = row.node(), copy.next = kNoRow;
  row.CopyKeys(copy.keys);
  if (slot + 1 < slots) {
    const Row link = rows[slot + 1];
    if (link.state() == kLinkRow) copy.next = link.next();
  }
  UnlockReleaseBuffer(buffer);
  return copy;
}

void CheckRow(Checker& checker, BlockNumber block, uint32_t number, const Row& row, uint16_t before,
              FullTransactionId now) {
  if (row.state() == 0) return;
  if (row.state() == kLinkRow) {
    if (before == 0 || before == kLinkRow)
      checker.Report(block, kNoNode, "the link of row %u stands behind no row", number);
    if (row.next() != kNoRow && row.next() >= checker.row_count())
      checker.Report(block, kNoNode, "the link of row %u leads to no row", number);
  } else if (row.state() == kClosedRow) {
    if (FullTransactionIdFollows(row.closed_at(), now))
      checker.Report(block, kNoNode, "row %u was closed by a transaction that has not begun", number);
  } else if (row.state() > MaxHeapTuplesPerPage) {
    checker.Report(block, kNoNode, "row %u names an impossible heap tuple", number);
  } else {
    const uint8_t state = checker.StateOf(row.node());
    const ItemPointerData tuple = row.tuple();
    if (row.node() != kNoNode && (state & kStateWritten) && (state & kLevelMask) != 0)
      checker.ReportTuple(row.node(), tuple, "the row's node is not of level 0");
    checker.entries.Append(checker.memory, {tuple, false, number, row.node()});
  }
}

}  // namespace

namespace {

// Whether the row's code is that of its node's vector.
bool HasCode(Checker& checker, uint32_t number, NodeId node, float scale) {
  const Index& index = checker.index;
  const uint32_t vector_size = static_cast<uint32_t>(index.geometry().vector_size());
  const CodePlace place =
      CodePlaceOf(index, checker.rows.blocks[number / index.rows_per_page], number % index.rows_per_page);
  uint8_t* vector = static_cast<uint8_t*>(palloc(vector_size + index.rows.code_size + 64));
  uint8_t* code = vector + vector_size;
  checker.ReadBytes(node, index.geometry().vector, vector_size, vector);
  const Buffer buffer = ReadPage(checker.index, place.block, PageKind::kCodes, BUFFER_LOCK_SHARE);
  memcpy(code, Usable(BufferGetPage(buffer)) + place.offset, index.rows.code_size);
  UnlockReleaseBuffer(buffer);
  if (checker.encoder == nullptr) checker.encoder = new (palloc(sizeof(RowEncoder))) RowEncoder(index);
  const bool has_code = checker.encoder->IsCodeOf({vector, scale}, code);
  pfree(vector);
  return has_code;
}

}  // namespace

bool HasKeys(Checker& checker, uint32_t row, const uint8_t* keys) {
  return memcmp(ReadRow(checker, row).keys, keys, checker.index.key_bytes()) == 0;
}

// A row whose node is not written is what a failed insertion left: the table says whether it matters (check_heap.cpp).
void CheckRows(Checker& checker) {
  const uint32_t slots = checker.index.rows_per_page;
  const FullTransactionId now = ReadNextFullTransactionId();
  uint8_t* usable = static_cast<uint8_t*>(palloc(kUsable));
  for (uint32_t ordinal = 0; ordinal < checker.rows.count; ++ordinal) {
    CHECK_FOR_INTERRUPTS();
    const BlockNumber block = checker.rows.blocks[ordinal];
    if (block == kNoBlock) continue;
    const Buffer buffer = ReadPage(checker.index, block, PageKind::kRows, BUFFER_LOCK_SHARE);
    memcpy(usable, Usable(BufferGetPage(buffer)), kUsable);
    UnlockReleaseBuffer(buffer);
    uint16_t before = 0;
    for (uint32_t slot = 0; slot < slots; ++slot) {
      const Row row = RowPage(checker.index, usable)[slot];
      CheckRow(checker, block, ordinal * slots + slot, row, before, now);
      before = row.state();
    }
  }
  pfree(usable);
}

void CheckChain(Checker& checker, NodeId node, const hnsw::BlockHeader& header) {
  const uint32_t slots = checker.index.rows_per_page;
  size_t count = 0;
  for (uint32_t number = header.target; number != kNoRow || count == 0; ++count) {
    CHECK_FOR_INTERRUPTS();
    if (number >= checker.row_count() || checker.rows.blocks[number / slots] == kNoBlock)
      return checker.ReportNode(node, "its chain leads to no row");
    const RowCopy row = ReadRow(checker, number);
    if (!row.is_tuple || row.node != node)
      return checker.ReportNode(node, "its chain leads to a row that is not its own");
    if (checker.IsChained(number)) return checker.ReportNode(node, "its chain comes to a row twice");
    checker.chained[number / 64] |= uint64_t{1} << number % 64;
    if (checker.index.has_row_codes() && !HasCode(checker, number, node, header.scale))
      checker.ReportNode(node, "a row of it has the code of another vector");
    if (!(header.flags & hnsw::kShared)) {
      ItemPointerData origin = OriginTuple(header.origin), tuple = row.tuple;
      if (!ItemPointerEquals(&origin, &tuple)) checker.ReportNode(node, "it names another heap tuple than its row");
      uint8_t keys[kMaxKeyBytes];
      checker.ReadBytes(node, checker.index.geometry().block_size, checker.index.key_bytes(), keys);
      if (memcmp(keys, row.keys, checker.index.key_bytes()) != 0)
        checker.ReportNode(node, "its filter columns are others than its row's");
      if (row.next != kNoRow) checker.ReportNode(node, "it has several rows and is not marked as shared");
      return;
    }
    number = row.next;
  }
}

}  // namespace medvec::index
