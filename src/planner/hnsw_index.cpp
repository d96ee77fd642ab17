#include "planner/hnsw_index.hpp"

#include <cstring>

#include "pg/catalog.hpp"

namespace medvec::planner {

namespace {

// C name of the function that gives the access method's callbacks.
constexpr char kHandler[] = "medvec_hnsw_handler";

Oid AccessMethodOf(Oid index) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(tuple)) return InvalidOid;
  const Oid am = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relam;
  ReleaseSysCache(tuple);
  return am;
}

RegProcedure HandlerOf(Oid am) {
  HeapTuple tuple = SearchSysCache1(AMOID, ObjectIdGetDatum(am));
  if (!HeapTupleIsValid(tuple)) return InvalidOid;
  const RegProcedure handler = reinterpret_cast<Form_pg_am>(GETSTRUCT(tuple))->amhandler;
  ReleaseSysCache(tuple);
  return handler;
}

}  // namespace

bool IsHnswIndex(Oid index) {
  HeapTuple function = SearchSysCache1(PROCOID, ObjectIdGetDatum(HandlerOf(AccessMethodOf(index))));
  if (!HeapTupleIsValid(function)) return false;
  bool null;
  const Datum source = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_prosrc, &null);
  const bool ours = !null && strcmp(TextDatumGetCString(source), kHandler) == 0;
  ReleaseSysCache(function);
  return ours;
}

}  // namespace medvec::planner
