// What the passes of hnsw_check share. Nothing here errors out because of what is on a page: what is not sound is
// reported and not followed.
#pragma once

#include "index/diagnostics/target.hpp"
#include "index/graph.hpp"
#include "index/rows.hpp"
#include "pg/records.hpp"

namespace medvec::index {

// The result's rows: block, node, heap_tuple, problem.
class Findings {
 public:
  explicit Findings(ReturnSetInfo* result) : result_(result) {}

  void Add(BlockNumber block, NodeId node, const ItemPointerData* tuple, const char* problem);

 private:
  ReturnSetInfo* result_;
};

// What is known of a page, 16 bytes for each.
struct PageState {
  uint8_t kind;  // PageKind; 0: empty, or not to be trusted
  bool named;    // by a directory
  bool in_list;  // of free ones
  bool whole;    // the first page of a group that is all there
  uint16_t position;
  uint32_t next, ordinal;
};

// What is known of a node's address, one byte for each there can be: its level and these.
enum NodeState : uint8_t {
  kLevelMask = 7,
  kReached = 8,   // from the entry
  kVisible = 16,  // a row of it is alive in the table (level 0)
  kStateClosed = 32,
  kStateDead = 64,
  kStateWritten = 128
};

// A row, 16 bytes.
struct RowEntry {
  ItemPointerData tuple;
  bool found;  // in the table
  uint32_t row, node;
};

struct Checker {
  const Target& target;
  Findings& findings;
  Index& index;
  Snapshot snapshot;
  hnsw::Memory memory;

  BlockNumber blocks = 0;
  PageState* pages = nullptr;
  uint64 addresses = 0;
  uint8_t* nodes = nullptr;  // NodeState
  Directory rows = {nullptr, 0};
  RowEncoder* encoder = nullptr;
  uint64_t* chained = nullptr;  // a bit for each row: it is in its node's chain
  hnsw::Array<RowEntry> entries = {};
  Entry entry = {};

  // Reports a problem; the format is printf's.
  void Report(BlockNumber block, NodeId node, const char* format, ...) pg_attribute_printf(4, 5);
  void ReportNode(NodeId node, const char* problem) {
    findings.Add(PlaceOf(index, node).first, node, nullptr, problem);
  }
  void ReportTuple(NodeId node, const ItemPointerData& tuple, const char* problem) {
    findings.Add(InvalidBlockNumber, node, &tuple, problem);
  }

  bool IsKind(BlockNumber block, PageKind kind) const {
    return block < blocks && pages[block].kind == static_cast<uint8_t>(kind);
  }
  uint8_t& State(NodeId node) { return nodes[node]; }
  // 0 for what is no address.
  uint8_t StateOf(NodeId node) const { return node < addresses ? nodes[node] : 0; }
  uint64 row_count() const { return uint64{rows.count} * index.rows_per_page; }
  bool IsChained(uint32_t row) const { return chained[row / 64] >> row % 64 & 1; }

  // Copies the usable bytes of all pages of a whole group.
  void ReadGroup(BlockNumber first, uint8_t* to);
  // Copies `size` bytes of a block whose group is whole.
  void ReadBytes(NodeId node, uint32_t from, uint32_t size, uint8_t* to);
};

void CheckPages(Checker& checker);                                                // check_pages.cpp
void CheckHeaders(Checker& checker);                                              // check_nodes.cpp
void CheckRows(Checker& checker);                                                 // check_rows.cpp
void CheckChains(Checker& checker);                                               // check_nodes.cpp
void CheckNodes(Checker& checker);                                                // check_nodes.cpp
void CheckChain(Checker& checker, NodeId node, const hnsw::BlockHeader& header);  // check_rows.cpp
bool HasKeys(Checker& checker, uint32_t row, const uint8_t* keys);                // check_rows.cpp
void CheckHeap(Checker& checker);                                                 // check_heap.cpp
// Whether the node, or the one of level 0 below it, is alive and has a row that is seen; after CheckHeap.
bool IsSeen(Checker& checker, NodeId node);
void CheckReachability(Checker& checker);  // check_reachability.cpp

}  // namespace medvec::index
