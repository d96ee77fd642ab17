// hnsw_check: each invariant of the index on disk, and that it says the same as its table.
//
// Pages (check_pages.cpp)
//   - The metapage is that of this operator class and column. Each page has a kind, bounds within the page, and zeros
//     between them, since full page images leave that part out. What follows the centre is empty (a crash came between
//     growth and first record), or of a group, of rows, or a directory.
//   - Each row page and each directory is named once, at its ordinal; so is each group of upper levels that holds a
//     block. Behind a row page are its pages of codes. The pages of a group are neighbours. Free lists end, and hold
//     what says so of itself and nothing else.
// Rows (check_rows.cpp)
//   - A slot is empty, a link behind a row, a closed row of the past, or a row of a heap tuple and a node of level 0.
//   - The chain that begins at a live node's target holds rows of that node alone, each once, and ends. A node not
//     marked as shared has one row, whose heap tuple its header names and whose filter columns it has. A row's code is
//     that of its node's stored vector.
// Nodes (check_nodes.cpp)
//   - Header: known flags; level 0 in groups of level 0 and else in those of upper levels; scale and error are finite,
//     the error is one that the codec can make. The vector is finite.
//   - At most max_degree links, to written nodes of the same level that are not closed, none twice, none to itself.
//     Code, norm and rescale of each link are those of the two stored vectors. Where no row of the node is seen, links
//     need only lead to written nodes: of dead nodes a crash may have closed some and not others, and a killed
//     insertion did not look at its links again.
//   - An upper block leads to a block of the level below that is not closed and has the same vector.
// Table (check_heap.cpp)
//   - A heap tuple that a new snapshot sees, and that the predicate and the operator class let in, has one row. That is
//     in the chain of its node, which is alive; the stored vector is as near to the tuple's as the node's error says,
//     and the row's filter columns are the tuple's.
//   - What the table shows and the index should not hold has no row. Rows of dead heap tuples are vacuum's business.
// Reachability (check_reachability.cpp)
//   - The entry is a block of its level, not closed; there is one unless nothing is indexed.
//   - From it links lead to each node with a row that is seen, and to each upper block of such a node.
//
// Links to nodes marked dead, and upper blocks above them, are what a vacuum leaves that was interrupted: no problem.
//
// Lock: ShareLock on the table, as CREATE INDEX, so that nothing changes meanwhile but hints: neither a row between its
// heap tuple and its block nor a link on its way is mistaken for damage. Memory: 4 bytes a node, 16 a row.
#include "index/diagnostics/checker.hpp"

#include <cstdarg>

namespace medvec::index {

void Findings::Add(BlockNumber block, NodeId node, const ItemPointerData* tuple, const char* problem) {
  Datum values[4] = {Int64GetDatum(static_cast<int64>(block)), Int64GetDatum(static_cast<int64>(node)),
                     PointerGetDatum(tuple), CStringGetTextDatum(problem)};
  const bool is_null[4] = {block == InvalidBlockNumber, node == kNoNode, tuple == nullptr, false};
  tuplestore_putvalues(result_->setResult, result_->setDesc, values, const_cast<bool*>(is_null));
  pfree(DatumGetPointer(values[3]));
}

void Checker::Report(BlockNumber block, NodeId node, const char* format, ...) {
  char problem[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(problem, sizeof problem, format, arguments);
  va_end(arguments);
  findings.Add(block, node, nullptr, problem);
}

void Checker::ReadGroup(BlockNumber first, uint8_t* to) {
  for (uint32_t i = 0; i < index.meta.pages_per_group; ++i) {
    const Buffer buffer = ReadPage(index, first + i, PageKind::kNodes, BUFFER_LOCK_SHARE);
    memcpy(to + size_t{i} * kUsable, Usable(BufferGetPage(buffer)), kUsable);
    UnlockReleaseBuffer(buffer);
  }
}

void Checker::ReadBytes(NodeId node, uint32_t from, uint32_t size, uint8_t* to) {
  const uint64 start = uint64{node % index.meta.blocks_per_group} * index.meta.block_size + from;
  BlockNumber block = node / index.meta.blocks_per_group + static_cast<BlockNumber>(start / kUsable);
  for (uint32_t offset = static_cast<uint32_t>(start % kUsable); size > 0; ++block, offset = 0) {
    const uint32_t part = Min(size, kUsable - offset);
    const Buffer buffer = ReadPage(index, block, PageKind::kNodes, BUFFER_LOCK_SHARE);
    memcpy(to, Usable(BufferGetPage(buffer)) + offset, part);
    UnlockReleaseBuffer(buffer);
    to += part, size -= part;
  }
}

}  // namespace medvec::index

MEDVEC_FUNCTION(medvec_hnsw_check) {
  using namespace medvec::index;
  InitMaterializedSRF(fcinfo, 0);
  // On a standby nothing stronger is to be had; replay may go on meanwhile.
  const Target target = OpenTarget(PG_GETARG_OID(0), RecoveryInProgress() ? AccessShareLock : ShareLock);
  // Not older than the lock: all that was committed before has its rows. It is also active, for index expressions.
  const Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
  PushActiveSnapshot(snapshot);
  const MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw check", ALLOCSET_DEFAULT_SIZES);
  const MemoryContext outer = MemoryContextSwitchTo(context);
  Findings findings(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
  Checker checker{target, findings, *OpenIndex(target.index), snapshot, ServerMemory(context)};
  CheckPages(checker);
  CheckHeaders(checker);
  CheckRows(checker);
  CheckChains(checker);
  CheckHeap(checker);
  CheckNodes(checker);
  CheckReachability(checker);
  MemoryContextSwitchTo(outer);
  MemoryContextDelete(context);
  PopActiveSnapshot();
  UnregisterSnapshot(snapshot);
  CloseTarget(target);
  return Datum{0};
}
