#include "index/options.hpp"

#include <climits>

namespace medvec::index {

namespace settings {
int ef_search = 40;
int iterative_scan = static_cast<int>(IterativeScan::kStrictOrder);
int max_scan_tuples = INT_MAX;
double scan_mem_multiplier = 1;
bool enable_filtered_scan = true;
bool enable_semi_join_reduction = true;
bool enable_range_scan = true;
}  // namespace settings

namespace {

relopt_kind option_kind;

constexpr struct config_enum_entry kIterativeScanValues[] = {
    {"off", static_cast<int>(IterativeScan::kOff), false},
    {"relaxed_order", static_cast<int>(IterativeScan::kRelaxedOrder), false},
    {"strict_order", static_cast<int>(IterativeScan::kStrictOrder), false},
    {nullptr, 0, false},
};

// By assignment: 18 has a field more.
relopt_parse_elt IntOption(const char* name, size_t offset) {
  relopt_parse_elt element{};
  element.optname = name;
  element.opttype = RELOPT_TYPE_INT;
  element.offset = static_cast<int>(offset);
  return element;
}

}  // namespace

void DefineOptions() {
  option_kind = add_reloption_kind();
  add_int_reloption(option_kind, "m", "Links of a node are at most twice as many", kDefaultM, 2, 100,
                    AccessExclusiveLock);
  add_int_reloption(option_kind, "ef_construction",
                    "Nodes that an insertion keeps in view while it searches neighbours", kDefaultEfConstruction, 4,
                    1000, AccessExclusiveLock);

  DefineCustomIntVariable("hnsw.ef_search", "Nodes that a search keeps in view.",
                          "More give a higher recall and take longer.", &settings::ef_search, 40, 1, 1000, PGC_USERSET,
                          0, nullptr, nullptr, nullptr);
  DefineCustomEnumVariable("hnsw.iterative_scan", "How an index scan goes on when its first rows do not suffice.",
                           "With off a LIMIT above a filter may stay unfilled.", &settings::iterative_scan,
                           static_cast<int>(IterativeScan::kStrictOrder), kIterativeScanValues, PGC_USERSET, 0, nullptr,
                           nullptr, nullptr);
  DefineCustomIntVariable("hnsw.max_scan_tuples", "Nodes after which an iterative scan looks no further.",
                          "A LIMIT above a filter may then stay unfilled.", &settings::max_scan_tuples, INT_MAX, 1,
                          INT_MAX, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomRealVariable("hnsw.scan_mem_multiplier",
                           "Multiple of work_mem that an iterative scan may use for its walk.",
                           "Beyond it the scan reads the whole index.", &settings::scan_mem_multiplier, 1, 1, 1000,
                           PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("hnsw.enable_filtered_scan",
                           "Lets the planner search an hnsw index for rows that meet conditions it does not answer.",
                           "Needs enable_indexscan too, and enable_bitmapscan for bitmaps of other indexes.",
                           &settings::enable_filtered_scan, true, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable(
      "hnsw.enable_semi_join_reduction",
      "Lets the planner read the other side of a join first and search an hnsw index for its keys.", nullptr,
      &settings::enable_semi_join_reduction, true, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("hnsw.enable_range_scan",
                           "Lets the planner find the rows within a distance by an hnsw index.",
                           "Like its other answers these may lack a few rows.", &settings::enable_range_scan, true,
                           PGC_USERSET, 0, nullptr, nullptr, nullptr);
  MarkGUCPrefixReserved("hnsw");
}

bytea* ParseOptions(Datum options, bool validate) {
  const relopt_parse_elt elements[] = {IntOption("m", offsetof(Options, m)),
                                       IntOption("ef_construction", offsetof(Options, ef_construction))};
  return static_cast<bytea*>(
      build_reloptions(options, validate, option_kind, sizeof(Options), elements, lengthof(elements)));
}

Options GetOptions(Relation index) {
  Options options{0, kDefaultM, kDefaultEfConstruction};
  if (index->rd_options != nullptr) options = *reinterpret_cast<const Options*>(index->rd_options);
  if (options.ef_construction < 2 * options.m)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("ef_construction must be greater than or equal to 2 * m")));
  return options;
}

}  // namespace medvec::index
