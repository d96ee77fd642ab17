// One vacuum at a time runs on an index (it holds ShareUpdateExclusiveLock on the table); inserts and scans go on.
//
//   1. The row pages, one after the other: which heap tuples are dead.
//   2. Nodes all of whose rows are dead are marked so; chains of the others are mended. From here on nobody links to a
//      dead node anew, but for insertions that looked before: they look again when their block is written.
//   3. Blocks of dead nodes on upper levels are marked too.
//   4. Every block that links to a dead one is mended from the dead one's neighbours (core/hnsw/repair.hpp).
//   5. A dead entry is replaced.
//   6. Dead nodes are closed, then their rows: stamped with the next transaction id. No link leads to them any more;
//   who
//      still has their address in his beam has an older transaction. Their slots are used again when none is running.
//
// An error or a crash in between leaves a sound index: the rows are still there, their heap tuples still dead, and the
// next vacuum finds them again.
#include "index/vacuum.hpp"

#include <algorithm>
#include <bit>
#include <optional>

#include "core/hnsw/repair.hpp"
#include "core/stop_point.hpp"
#include "index/allocation.hpp"
#include "index/insert.hpp"

namespace medvec::index {

namespace {

struct DeadRow {
  NodeId node;
  uint32_t row;
};

// A bit for each address there can be.
class NodeSet {
 public:
  NodeSet(const Index& index, BlockNumber blocks)
      : size_(uint64{blocks} * index.meta.blocks_per_group + 1),
        bits_(static_cast<uint64_t*>(MemoryContextAllocExtended(CurrentMemoryContext, (size_ / 64 + 1) * 8,
                                                                MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO))) {}
  void Add(NodeId node) {
    if (node < size_) bits_[node / 64] |= uint64_t{1} << node % 64;
  }
  bool Has(NodeId node) const { return node < size_ && (bits_[node / 64] >> node % 64 & 1); }
  // Calls take(node) for each that is here and not in `others`, which is of the same size.
  template <class Take>
  void ForAllBut(const NodeSet& others, Take take) const {
    for (uint64 i = 0; i <= size_ / 64; ++i)
      for (uint64_t left = bits_[i] & ~others.bits_[i]; left != 0; left &= left - 1)
        take(static_cast<NodeId>(64 * i + static_cast<uint64>(std::countr_zero(left))));
  }

 private:
  uint64 size_;
  uint64_t* bits_;
};

struct Vacuum {
  IndexVacuumInfo* info;
  IndexBulkDeleteCallback callback;
  void* callback_state;
  Index& index;
  hnsw::Memory memory;
  RowMap rows;
  hnsw::Array<DeadRow> dead_rows;
  hnsw::Array<NodeId> dead_nodes;  // those of upper levels too
  NodeSet* is_dead;
  NodeSet *live, *linked;  // blocks; to which a live one leads
  Entry best;              // a live node of the highest level
  double live_rows;

  bool IsDead(const ItemPointerData& tuple) const { return callback(const_cast<ItemPointer>(&tuple), callback_state); }
  void AddDeadNode(NodeId node) {
    if (is_dead->Has(node)) return;
    is_dead->Add(node);
    dead_nodes.Append(memory, node);
  }
};

// ---- 1

void FindDeadRows(Vacuum& vacuum) {
  Index& index = vacuum.index;
  const Directory directory = ReadRowDirectory(index);
  for (uint32_t ordinal = 0; ordinal < directory.count; ++ordinal) {
    VacuumDelayPoint();
    if (ordinal + 8 < directory.count) PrefetchBuffer(index.relation, MAIN_FORKNUM, directory.blocks[ordinal + 8]);
    const Buffer buffer = ReadPage(index, directory.blocks[ordinal], PageKind::kRows, BUFFER_LOCK_SHARE);
    const RowPage rows(index, BufferGetPage(buffer));
    for (uint32_t slot = 0; slot < rows.slots(); ++slot) {
      const Row row = rows[slot];
      if (!row.is_tuple()) continue;
      if (vacuum.IsDead(row.tuple()))
        vacuum.dead_rows.Append(vacuum.memory, {row.node(), ordinal * index.rows_per_page + slot});
      else
        vacuum.live_rows += 1;
    }
    UnlockReleaseBuffer(buffer);
  }
}

// ---- 2

// The header of a block, and its keys, locked exclusively; each may lie in two pages.
class LockedHeader {
 public:
  LockedHeader(Index& index, NodeId node) : index_(index), place_(PlaceOf(index, node)) {
    Add(0, sizeof header);
    if (index.key_bytes() > 0) Add(index.geometry().block_size, index.key_bytes());
    for (int i = 0; i < count_; ++i)
      buffers_[i] = ReadPage(index, place_.first + pages_[i], PageKind::kNodes, BUFFER_LOCK_EXCLUSIVE);
    Page pages[kMost];
    for (int i = 0; i < count_; ++i) pages[i] = BufferGetPage(buffers_[i]);
    Copy(pages, 0, &header, sizeof header, false);
    Copy(pages, index.geometry().block_size, keys, index.key_bytes(), false);
  }
  void Write() {
    PageChange change(index_);
    Page pages[kMost];
    for (int i = 0; i < count_; ++i) pages[i] = change.Add(buffers_[i]);
    Copy(pages, 0, &header, sizeof header, true);
    Copy(pages, index_.geometry().block_size, keys, index_.key_bytes(), true);
    change.Finish();
  }
  void Leave() {
    for (int i = 0; i < count_; ++i) UnlockReleaseBuffer(buffers_[i]);
  }
  hnsw::BlockHeader header;
  uint8_t keys[kMaxKeyBytes];

 private:
  static constexpr int kMost = 4;
  static_assert(kMost <= PageChange::kMaxPages && kMaxKeyBytes <= kUsable);

  // The pages of `size` bytes of the block, in ascending order.
  void Add(uint32_t from, uint32_t size) {
    from += place_.offset;
    for (uint32_t page = from / kUsable; page <= (from + size - 1) / kUsable; ++page)
      if (count_ == 0 || pages_[count_ - 1] < page) pages_[count_++] = page;
  }
  void Copy(const Page* pages, uint32_t from, void* bytes, uint32_t size, bool write) const {
    from += place_.offset;
    uint8_t* at = static_cast<uint8_t*>(bytes);
    for (int i = 0; i < count_ && size > 0; ++i) {
      if (pages_[i] != from / kUsable) continue;
      const uint32_t part = Min(size, kUsable - from % kUsable);
      uint8_t* stored = Usable(pages[i]) + from % kUsable;
      memcpy(write ? stored : at, write ? at : stored, part);
      at += part, from += part, size -= part;
    }
  }

  Index& index_;
  Place place_;
  Buffer buffers_[kMost];
  uint32_t pages_[kMost];
  int count_ = 0;
};

struct ChainRow {
  uint32_t row, next;
  bool has_link;
  ItemPointerData tuple;
};

// Takes the dead rows out of a node's chain and changes header and keys if need be. Returns how many are left; or
// nothing where the chain goes through a row whose page is not known yet (*unknown). The caller holds the block's lock,
// under which alone chains change.
std::optional<size_t> MendChain(Vacuum& vacuum, NodeId node, LockedHeader* locked, uint32_t* unknown) {
  hnsw::BlockHeader* header = &locked->header;
  Index& index = vacuum.index;
  hnsw::Array<ChainRow> live{};
  size_t steps = 0;
  for (uint32_t row = header->target; row != kNoRow;) {
    MEDVEC_STOP_POINT("vacuum-chain");
    if (!vacuum.rows.Knows(row)) {
      live.Free(vacuum.memory);
      *unknown = row;
      return std::nullopt;
    }
    const Buffer buffer = vacuum.rows.Lock(row, BUFFER_LOCK_SHARE);
    if (++steps > size_t{vacuum.rows.pages()} * index.rows_per_page)
      RaiseCorrupted(index.relation, BufferGetBlockNumber(buffer), "the rows of a node form a circle");
    const RowPage rows(index, BufferGetPage(buffer));
    const uint32_t slot = vacuum.rows.Slot(row);
    const Row entry = rows[slot];
    ChainRow now{row, kNoRow, false, entry.tuple()};
    if (slot + 1 < index.rows_per_page) {
      const Row link = rows[slot + 1];
      now.has_link = link.state() == kLinkRow;
      if (now.has_link) now.next = link.next();
    }
    const bool is_live = entry.is_tuple() && entry.node() == node && !vacuum.IsDead(now.tuple);
    UnlockReleaseBuffer(buffer);
    if (is_live) live.Append(vacuum.memory, now);
    row = now.next;
  }
  for (size_t i = 0; i < live.size; ++i) {
    const uint32_t next = i + 1 < live.size ? live[i + 1].row : kNoRow;
    if (!live[i].has_link || live[i].next == next) continue;
    PageChange change(index);
    const RowPage rows(index, change.Add(vacuum.rows.Lock(live[i].row, BUFFER_LOCK_EXCLUSIVE)));
    rows[vacuum.rows.Slot(live[i].row) + 1].SetLink(next);
    change.Finish();
  }
  const size_t count = live.size;
  if (count > 0) {
    header->target = live[0].row;
    if (count == 1) {
      header->flags = static_cast<uint8_t>(header->flags & ~hnsw::kShared);
      memset(header->origin, 0, sizeof header->origin);
      memcpy(header->origin, &live[0].tuple, sizeof live[0].tuple);
      const Buffer buffer = vacuum.rows.Lock(live[0].row, BUFFER_LOCK_SHARE);
      RowPage(index, BufferGetPage(buffer))[vacuum.rows.Slot(live[0].row)].CopyKeys(locked->keys);
      UnlockReleaseBuffer(buffer);
    }
  }
  live.Free(vacuum.memory);
  return count;
}

// `row`: a dead row of the node, as its row page says. True: the node's other dead rows are settled too.
bool MarkNode(Vacuum& vacuum, NodeId node, uint32_t row) {
  LockedHeader locked(vacuum.index, node);
  hnsw::BlockHeader& header = locked.header;
  // An insertion that failed before it wrote its block; or a vacuum that failed before it closed the row, and the node
  // is another's by now.
  bool ours = (header.flags & hnsw::kWritten) && !(header.flags & hnsw::kClosed);
  if (ours && (header.flags & hnsw::kDead)) {
    vacuum.AddDeadNode(node);
    locked.Leave();
    return true;
  }
  ours = ours && ((header.flags & hnsw::kShared) || header.target == row);
  if (!ours) {
    locked.Leave();
    return false;
  }
  const hnsw::BlockHeader before = header;
  std::optional<size_t> left = 0;
  if (header.flags & hnsw::kShared) {
    uint32_t unknown = kNoRow;
    left = MendChain(vacuum, node, &locked, &unknown);
    if (!left) {
      // The directory hangs on the allocation page, whose lock comes before a block's.
      locked.Leave();
      vacuum.rows.Find(unknown);
      return MarkNode(vacuum, node, row);
    }
  }
  if (*left == 0) {
    header.flags |= hnsw::kDead;
    vacuum.AddDeadNode(node);
  }
  if (memcmp(&before, &header, sizeof header) == 0)
    locked.Leave();
  else
    locked.Write();
  return true;
}

void MarkNodes(Vacuum& vacuum) {
  std::sort(vacuum.dead_rows.begin(), vacuum.dead_rows.end(),
            [](const DeadRow& a, const DeadRow& b) { return a.node != b.node ? a.node < b.node : a.row < b.row; });
  NodeId settled = kNoNode;
  for (const DeadRow& dead : vacuum.dead_rows) {
    VacuumDelayPoint();
    if (dead.node != settled && MarkNode(vacuum, dead.node, dead.row)) settled = dead.node;
  }
}

// ---- 3

struct UpperBlock {
  NodeId node, below;
  uint8_t level, flags;
};

void MarkUpperBlocks(Vacuum& vacuum) {
  Index& index = vacuum.index;
  const Directory directory = ReadUpperDirectory(index);
  hnsw::Array<UpperBlock> blocks{};
  for (uint32_t i = 0; i < directory.count; ++i) {
    VacuumDelayPoint();
    for (uint32_t slot = 0; slot < index.meta.blocks_per_group; ++slot) {
      const NodeId node = directory.blocks[i] * index.meta.blocks_per_group + slot;
      const hnsw::BlockHeader header = ReadHeader(index, node);
      if (!(header.flags & hnsw::kWritten) || (header.flags & hnsw::kClosed)) continue;
      blocks.Append(vacuum.memory, {node, header.target, header.level, header.flags});
    }
  }
  std::sort(blocks.begin(), blocks.end(), [](const UpperBlock& a, const UpperBlock& b) { return a.level < b.level; });
  for (const UpperBlock& block : blocks) {
    if (block.flags & hnsw::kDead) {
      vacuum.AddDeadNode(block.node);
    } else if (vacuum.is_dead->Has(block.below)) {
      LockedHeader locked(index, block.node);
      locked.header.flags |= hnsw::kDead;
      locked.Write();
      vacuum.AddDeadNode(block.node);
    } else {
      vacuum.best = {block.node, block.level};
    }
  }
  blocks.Free(vacuum.memory);
}

// ---- 4

// Notes where a block leads.
void NoteLinks(Vacuum& vacuum, PageGraph& graph, NodeId node) {
  const uint8_t* block = graph.Read(node);
  const hnsw::BlockHeader& header = hnsw::Header(block);
  vacuum.live->Add(node);
  if (header.level > 0) vacuum.linked->Add(header.target);
  for (uint32_t i = 0; i < Min(header.degree, vacuum.index.meta.max_degree); ++i)
    vacuum.linked->Add(hnsw::Links(block)[i]);
  graph.Release(node);
}

void RepairGraph(Vacuum& vacuum, BlockNumber blocks) {
  Index& index = vacuum.index;
  const MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw repair", ALLOCSET_DEFAULT_SIZES);
  PageGraph graph(index);
  const auto is_dead = [&](NodeId node) { return vacuum.is_dead->Has(node); };
  for (BlockNumber block = kCentreBlock + index.meta.centre_pages; block < blocks; ++block) {
    VacuumDelayPoint();
    bool upper;
    if (!IsGroup(index.relation, block, &upper)) continue;
    MEDVEC_STOP_POINT("vacuum-repair");
    bool has_closed = false;
    for (uint32_t slot = 0; slot < index.meta.blocks_per_group; ++slot) {
      const NodeId node = block * index.meta.blocks_per_group + slot;
      const hnsw::BlockHeader header = ReadHeader(index, node);
      if (!(header.flags & hnsw::kWritten)) continue;
      has_closed |= (header.flags & hnsw::kClosed) != 0;
      if (header.flags & hnsw::kDead) continue;
      if (vacuum.best.node == kNoNode) vacuum.best = {node, header.level};
      const MemoryContext outer = MemoryContextSwitchTo(context);
      hnsw::Repair(index.space, graph, ServerMemory(context), node, is_dead);
      NoteLinks(vacuum, graph, node);
      MemoryContextSwitchTo(outer);
      MemoryContextReset(context);
    }
    if (has_closed) Recycle(index, block, PageKind::kNodes);
  }
  MemoryContextDelete(context);
}

// ---- 5

void ReplaceDeadEntry(Vacuum& vacuum) {
  PageGraph graph(vacuum.index);
  graph.LockEntry();
  const Entry entry = graph.GetEntry();
  // With no live node seen, there is none: an insertion that finds only dead ones becomes the entry itself.
  if (entry.node != kNoNode && vacuum.is_dead->Has(entry.node)) graph.ReplaceEntry(vacuum.best);
  graph.UnlockEntry();
}

// Who was known to dead nodes alone, and was not among the nearest of those who knew these, is linked as if it were
// new. Islands of nodes that know each other are not looked for.
void ConnectLost(Vacuum& vacuum) {
  Index& index = vacuum.index;
  const MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw repair", ALLOCSET_DEFAULT_SIZES);
  PageGraph graph(index);
  vacuum.linked->Add(graph.GetEntry().node);
  const hnsw::InsertParameters parameters = ParametersOf(index, true);
  vacuum.live->ForAllBut(*vacuum.linked, [&](NodeId node) {
    VacuumDelayPoint();
    const MemoryContext outer = MemoryContextSwitchTo(context);
    hnsw::Connect(index.space, graph, ServerMemory(context), node, parameters);
    MemoryContextSwitchTo(outer);
    MemoryContextReset(context);
  });
  MemoryContextDelete(context);
}

// ---- 6

void Close(Vacuum& vacuum) {
  Index& index = vacuum.index;
  const FullTransactionId now = ReadNextFullTransactionId();
  const uint64 stamp = U64FromFullTransactionId(now);
  std::sort(vacuum.dead_nodes.begin(), vacuum.dead_nodes.end());
  for (const NodeId node : vacuum.dead_nodes) {
    VacuumDelayPoint();
    LockedHeader locked(index, node);
    locked.header.flags |= hnsw::kClosed;
    locked.header.origin[0] = static_cast<uint32_t>(stamp);
    locked.header.origin[1] = static_cast<uint32_t>(stamp >> 32);
    locked.Write();
    MEDVEC_STOP_POINT("vacuum-close");
  }
  BlockNumber last = InvalidBlockNumber;
  for (const NodeId node : vacuum.dead_nodes) {
    const BlockNumber group = node / index.meta.blocks_per_group;
    if (group != last) Recycle(index, group, PageKind::kNodes);
    last = group;
  }
  std::sort(vacuum.dead_rows.begin(), vacuum.dead_rows.end(),
            [](const DeadRow& a, const DeadRow& b) { return a.row < b.row; });
  for (size_t i = 0; i < vacuum.dead_rows.size;) {
    VacuumDelayPoint();
    const uint32_t ordinal = vacuum.dead_rows[i].row / index.rows_per_page;
    PageChange change(index);
    const Buffer buffer = vacuum.rows.Lock(vacuum.dead_rows[i].row, BUFFER_LOCK_EXCLUSIVE);
    const BlockNumber block = BufferGetBlockNumber(buffer);
    const RowPage rows(index, change.Add(buffer));
    for (; i < vacuum.dead_rows.size && vacuum.dead_rows[i].row / index.rows_per_page == ordinal; ++i)
      rows[vacuum.rows.Slot(vacuum.dead_rows[i].row)].Close(now);
    change.Finish();
    Recycle(index, block, PageKind::kRows);
  }
}

}  // namespace

IndexBulkDeleteResult* BulkDelete(IndexVacuumInfo* info, IndexBulkDeleteResult* result,
                                  IndexBulkDeleteCallback callback, void* callback_state) {
  const MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hnsw vacuum", ALLOCSET_DEFAULT_SIZES);
  if (result == nullptr) result = static_cast<IndexBulkDeleteResult*>(palloc0(sizeof(IndexBulkDeleteResult)));
  const MemoryContext outer = MemoryContextSwitchTo(context);
  Index& index = *OpenIndex(info->index);
  Vacuum vacuum{
      info, callback, callback_state, index, ServerMemory(context), RowMap(index), {}, {}, nullptr, nullptr, nullptr,
      {},   0};
  FindDeadRows(vacuum);
  MEDVEC_STOP_POINT("vacuum-found");
  if (vacuum.dead_rows.size > 0) {
    BlockNumber blocks = RelationGetNumberOfBlocks(info->index);
    NodeSet is_dead(index, blocks);
    vacuum.is_dead = &is_dead;
    MarkNodes(vacuum);
    if (vacuum.dead_nodes.size > 0) {
      MarkUpperBlocks(vacuum);
      MEDVEC_STOP_POINT("vacuum-marked");
      // What insertions add from here on has looked at the marks.
      blocks = RelationGetNumberOfBlocks(info->index);
      NodeSet live(index, blocks), linked(index, blocks);
      vacuum.live = &live, vacuum.linked = &linked;
      RepairGraph(vacuum, blocks);
      MEDVEC_STOP_POINT("vacuum-repaired");
      ReplaceDeadEntry(vacuum);
      ConnectLost(vacuum);
    }
    MEDVEC_STOP_POINT("vacuum-closing");
    Close(vacuum);
  }
  result->num_index_tuples = vacuum.live_rows;
  result->tuples_removed += static_cast<double>(vacuum.dead_rows.size);
  result->num_pages = RelationGetNumberOfBlocks(info->index);
  MemoryContextSwitchTo(outer);
  MemoryContextDelete(context);
  return result;
}

IndexBulkDeleteResult* VacuumCleanup(IndexVacuumInfo* info, IndexBulkDeleteResult* result) {
  // Without dead rows nothing was counted, and the statistics stay what they are.
  if (result != nullptr && !info->analyze_only) result->num_pages = RelationGetNumberOfBlocks(info->index);
  return result;
}

}  // namespace medvec::index
