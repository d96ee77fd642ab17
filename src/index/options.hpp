// Options of CREATE INDEX ... WITH, and the settings hnsw.*.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

struct Options {
  int32 varlena_header;
  int m;
  int ef_construction;
};

inline constexpr int kDefaultM = 16, kDefaultEfConstruction = 64;

// Called when the library is loaded.
void DefineOptions();

// amoptions: parses and checks.
bytea* ParseOptions(Datum options, bool validate);
// Of an index; 22023 unless ef_construction is at least 2 m.
Options GetOptions(Relation index);

enum class IterativeScan : int { kOff, kRelaxedOrder, kStrictOrder };

namespace settings {
extern int ef_search;                    // hnsw.ef_search
extern int iterative_scan;               // hnsw.iterative_scan: IterativeScan
extern int max_scan_tuples;              // hnsw.max_scan_tuples
extern double scan_mem_multiplier;       // hnsw.scan_mem_multiplier
extern bool enable_filtered_scan;        // hnsw.enable_filtered_scan
extern bool enable_semi_join_reduction;  // hnsw.enable_semi_join_reduction
extern bool enable_range_scan;           // hnsw.enable_range_scan
}  // namespace settings

}  // namespace medvec::index
