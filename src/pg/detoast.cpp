#include "pg/detoast.hpp"

#include <algorithm>
#include <cstring>
#include <span>

extern "C" {
#include "access/detoast.h"
#include "access/genam.h"
#include "access/heaptoast.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/toast_internals.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace medvec {
namespace {

constexpr int32 kChunkSize = TOAST_MAX_CHUNK_SIZE;

// Where a chunk lay when the index was read. An id belongs to one value among all tuples of a TOAST table, dead ones
// included, so a tuple that carries it is the chunk, whatever happened since.
struct Place {
  Oid id;
  int32 sequence;
  ItemPointerData tid;
};

// A block that will be read soon, and the buffer in which it was seen.
struct Ahead {
  BlockNumber block;
  Buffer buffer;
};

// The places noted of one TOAST table, in the order of its index. They hold in the subtransaction that locked the
// table: as long as the lock is kept, nobody else can cut the table shorter than the places say.
struct Notes {
  static constexpr int kMost = 512;  // about one page of the index
  static constexpr int kFirst = 8;   // values
  static constexpr int kBlocksAhead = 4;

  Oid table;
  SubTransactionId locked_in;
  RelFileNumber file;
  int count;    // of the places
  int next;     // behind the place last asked for
  int values;   // how many values were read by them
  int reach;    // how many values to note next time: few until it pays
  bool missed;  // the last value asked for was not among them
  int penalty;  // how many values to leave to the server after notes that did not pay
  int skip;     // how many of these are left
  int ahead;
  Ahead blocks_ahead[kBlocksAhead];  // of the value that `next` begins
  MemoryContextCallback at_end;
  Place places[kMost];
};

Notes* notes = nullptr;

// Points the notes to a TOAST table. A subtransaction locks it once and leaves the lock to the end of the transaction,
// as is done with the table that the value is from.
void FollowTable(Oid table) {
  const SubTransactionId current = GetCurrentSubTransactionId();
  if (notes != nullptr && notes->table == table && notes->locked_in == current) return;
  LockRelationOid(table, AccessShareLock);
  if (notes == nullptr) {
    notes = static_cast<Notes*>(MemoryContextAlloc(TopTransactionContext, sizeof(Notes)));
    notes->at_end = {[](void*) { notes = nullptr; }, nullptr, nullptr};
    MemoryContextRegisterResetCallback(TopTransactionContext, &notes->at_end);
  }
  notes->table = table;
  notes->locked_in = current;
  notes->count = notes->next = notes->values = notes->penalty = notes->skip = notes->ahead = 0;
  notes->reach = Notes::kFirst;
  notes->missed = false;
}

// A value on its way from its chunks.
struct Value {
  Oid id;
  int32 size;
  char* data;

  int chunks() const { return (size - 1) / kChunkSize + 1; }

  // Copies the chunk in `tuple` to its place if it is chunk `sequence` of this value, and whole.
  bool CopyChunk(HeapTupleHeader tuple, int32 sequence) const {
    struct {
      Oid id;
      int32 sequence;
    } key;
    const char* fields = reinterpret_cast<const char*>(tuple) + tuple->t_hoff;
    std::memcpy(&key, fields, sizeof key);
    if (key.id != id || key.sequence != sequence) return false;
    const char* chunk = fields + sizeof key;
    if (VARATT_IS_EXTERNAL(chunk) || VARATT_IS_4B_C(chunk)) return false;
    const int32 start = sequence * kChunkSize;
    const int32 length = std::min(size - start, kChunkSize);
    if (static_cast<int32>(VARSIZE_ANY_EXHDR(chunk)) != length) return false;
    std::memcpy(data + start, VARDATA_ANY(chunk), length);
    return true;
  }
};

// Notes the places of the value and of those behind it in the index.
void TakeNotes(Relation toast, const Value& value) {
  notes->count = notes->next = notes->values = notes->ahead = 0;
  // TRUNCATE cuts a table in place in the transaction that gave it its file, under our own lock; else it gives a new
  // file.
  if (toast->rd_createSubid != InvalidSubTransactionId || RelationNewFileSubid(toast) != InvalidSubTransactionId)
    return;
  notes->file = RelationFileNumber(toast);

  Relation* indexes;
  int index_count;
  const int valid = toast_open_indexes(toast, AccessShareLock, &indexes, &index_count);
  ScanKeyData from;
  ScanKeyInit(&from, 1, BTGreaterEqualStrategyNumber, F_OIDGE, ObjectIdGetDatum(value.id));
  IndexScanDesc scan = BeginIndexScan(toast, indexes[valid], SnapshotAny, 1);
  scan->xs_want_itup = true;
  index_rescan(scan, &from, 1, nullptr, 0);
  const int most = std::min(notes->reach * value.chunks(), Notes::kMost);
  while (notes->count < most) {
    const ItemPointer tid = index_getnext_tid(scan, ForwardScanDirection);
    if (tid == nullptr) break;
    bool isnull;
    Place& place = notes->places[notes->count++];
    place.id = DatumGetObjectId(index_getattr(scan->xs_itup, 1, scan->xs_itupdesc, &isnull));
    place.sequence = DatumGetInt32(index_getattr(scan->xs_itup, 2, scan->xs_itupdesc, &isnull));
    place.tid = *tid;
  }
  index_endscan(scan);
  toast_close_indexes(indexes, index_count, NoLock);
}

// The noted places of all chunks of the value, in order; empty when they are not (all) noted.
std::span<const Place> FindPlaces(const Value& value) {
  const std::span<const Place> noted(notes->places, notes->count);
  int first = notes->next;
  if (first == notes->count || noted[first].id != value.id)
    first = static_cast<int>(std::ranges::lower_bound(noted, value.id, {}, &Place::id) - noted.begin());
  const int chunks = value.chunks();
  if (first + chunks > notes->count) return {};
  const std::span<const Place> found = noted.subspan(first, chunks);
  for (int32 i = 0; i < chunks; ++i)
    if (found[i].id != value.id || found[i].sequence != i) return {};
  notes->next = first + chunks;
  return found;
}

Buffer ReadBlock(Relation toast, BlockNumber block) {
  for (const Ahead& seen : std::span(notes->blocks_ahead, notes->ahead))
    if (seen.block == block && BufferIsValid(seen.buffer) &&
        ReadRecentBuffer(RelationFileLocator(toast), MAIN_FORKNUM, block, seen.buffer))
      return seen.buffer;
  return ReadBuffer(toast, block);
}

// Fetches what the next value is likely to need, from disk or from memory, while the caller works on this one.
void LookAhead(Relation toast, int chunks) {
  notes->ahead = 0;
  BlockNumber last =
      notes->next > 0 ? ItemPointerGetBlockNumber(&notes->places[notes->next - 1].tid) : InvalidBlockNumber;
  const int behind = std::min(notes->next + chunks, notes->count);
  for (int i = notes->next; i < behind && notes->ahead < Notes::kBlocksAhead; ++i) {
    const BlockNumber block = ItemPointerGetBlockNumber(&notes->places[i].tid);
    if (block == last) continue;
    last = block;
    const Buffer buffer = PrefetchBuffer(toast, MAIN_FORKNUM, block).recent_buffer;
    notes->blocks_ahead[notes->ahead++] = {block, buffer};
    if (!BufferIsValid(buffer)) continue;
    const char* page = static_cast<const char*>(BufferGetBlock(buffer));
    for (int line = 0; line < BLCKSZ; line += PG_CACHE_LINE_SIZE / 2) __builtin_prefetch(page + line, 0, 2);
  }
}

// Copies the chunks from their places; false when one is no longer there.
bool CopyChunks(Relation toast, const Value& value, std::span<const Place> places) {
  for (size_t i = 0; i < places.size();) {
    const BlockNumber block = ItemPointerGetBlockNumber(&places[i].tid);
    const Buffer buffer = ReadBlock(toast, block);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const Page page = BufferGetPage(buffer);
    bool copied = true;
    for (; copied && i < places.size() && ItemPointerGetBlockNumber(&places[i].tid) == block; ++i) {
      const OffsetNumber offset = ItemPointerGetOffsetNumber(&places[i].tid);
      copied = false;
      if (offset > PageGetMaxOffsetNumber(page)) break;
      const ItemId item = PageGetItemId(page, offset);
      if (!ItemIdIsNormal(item)) break;
      copied = value.CopyChunk(reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item)), places[i].sequence);
    }
    UnlockReleaseBuffer(buffer);
    if (!copied) return false;
  }
  return true;
}

// Whether to take notes after a miss. A single stray value (the constant of a scan) leaves them alone. To take the
// first costs as much as the server's way with one value, to take a page of them as with 4, so those by which fewer
// were read make the next ones rarer, down to one in 64 values where the order is no order at all.
bool WorthNotes() {
  constexpr int kPays = 6, kRarest = 63;
  if (!notes->missed) {
    notes->missed = true;
    return false;
  }
  if (notes->count > 0) {
    const bool paid = notes->values >= kPays;
    notes->penalty = paid ? 0 : std::min(2 * notes->penalty + 1, kRarest);
    notes->reach = paid ? std::min(4 * notes->reach, Notes::kMost) : Notes::kFirst;
    notes->skip = notes->penalty;
    notes->count = notes->next = 0;
  }
  if (notes->skip > 0) {
    --notes->skip;
    return false;
  }
  return true;
}

// The value by the notes, or null to have the server read it.
struct varlena* ReadByNotes(const struct varatt_external& pointer) {
  const int32 size = static_cast<int32>(VARATT_EXTERNAL_GET_EXTSIZE(pointer));
  Value value = {pointer.va_valueid, size, nullptr};
  FollowTable(pointer.va_toastrelid);
  std::span<const Place> places = FindPlaces(value);
  if (places.empty() && !WorthNotes()) return nullptr;

  Relation toast = table_open(pointer.va_toastrelid, NoLock);
  struct varlena* result = nullptr;
  if (toast->rd_rel->relam == HEAP_TABLE_AM_OID) {
    if (places.empty() || notes->file != RelationFileNumber(toast)) {
      TakeNotes(toast, value);
      places = FindPlaces(value);
    }
    if (!places.empty()) {
      result = static_cast<struct varlena*>(palloc(size + VARHDRSZ));
      SET_VARSIZE(result, size + VARHDRSZ);
      value.data = VARDATA(result);
      if (CopyChunks(toast, value, places)) {
        ++notes->values;
        notes->missed = false;
        LookAhead(toast, value.chunks());
      } else {
        pfree(result);
        result = nullptr;
      }
    }
  }
  table_close(toast, NoLock);
  return result;
}

}  // namespace

struct varlena* DetoastStored(struct varlena* value) {
  if (VARATT_IS_EXTERNAL_ONDISK(value)) {
    struct varatt_external pointer;
    VARATT_EXTERNAL_GET_POINTER(pointer, value);
    if (!VARATT_EXTERNAL_IS_COMPRESSED(pointer))
      if (struct varlena* result = ReadByNotes(pointer)) return result;
  }
  return pg_detoast_datum(value);
}

struct varlena* RepeatedArg::GetStored(struct varlena* value) {
  if (!VARATT_IS_EXTERNAL_ONDISK(value)) return pg_detoast_datum(value);
  struct varatt_external pointer;
  VARATT_EXTERNAL_GET_POINTER(pointer, value);
  if (pointer.va_toastrelid == table_ && pointer.va_valueid == id_) {
    if (kept_ != nullptr) return kept_;
    if (!watching_) {
      at_end_ = {[](void* arg) { *static_cast<RepeatedArg*>(arg) = RepeatedArg(); }, this, nullptr};
      MemoryContextRegisterResetCallback(TopTransactionContext, &at_end_);
      watching_ = true;
    }
    const MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
    kept_ = DetoastStored(value);
    MemoryContextSwitchTo(caller);
    return kept_;
  }
  if (kept_ != nullptr) pfree(kept_);
  kept_ = nullptr;
  table_ = pointer.va_toastrelid;
  id_ = pointer.va_valueid;
  return DetoastStored(value);
}

}  // namespace medvec
