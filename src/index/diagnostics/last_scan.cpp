// hnsw_last_scan: what the last index scan of this session did.
#include "index/scan.hpp"
#include "pg/records.hpp"

MEDVEC_FUNCTION(medvec_hnsw_last_scan) {
  TupleDesc row;
  if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE) elog(ERROR, "return type must be a row type");
  const medvec::index::ScanCounters& last = medvec::index::last_scan;
  if (last.scans == 0) PG_RETURN_NULL();
  const Datum values[] = {Int64GetDatum(last.nodes),
                          Int64GetDatum(last.pages),
                          Int64GetDatum(last.rows),
                          Int64GetDatum(last.beam),
                          BoolGetDatum(last.rest == medvec::index::Rest::kWhole),
                          CStringGetTextDatum(last.Strategy()),
                          Int64GetDatum(static_cast<int64>(last.matches))};
  const bool nulls[lengthof(values)] = {false, false, false, false, false, false, !last.is_filtered};
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), const_cast<Datum*>(values), const_cast<bool*>(nulls)));
}
