#include "index/validate.hpp"

#include "index/keys.hpp"
#include "pg/operator_classes.hpp"

namespace medvec::index {

namespace {

struct Validation {
  const FormData_pg_opclass& form;
  bool sound = true;
  bool is_vector = false, is_filter = false, has_operator = false;

  // `what` is wrong with the operator class.
  void Complain(const char* what) {
    ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                   errmsg("operator class \"%s\" of access method hnsw %s", NameStr(form.opcname), what)));
    sound = false;
  }
};

void CheckFunction(Validation& validation, const FormData_pg_amproc& function) {
  if (function.amproclefttype != validation.form.opcintype || function.amprocrighttype != validation.form.opcintype)
    return;
  if (function.amprocnum != kVectorFunction && function.amprocnum != kFilterFunction)
    return validation.Complain("has a support function of an unknown number");
  if (!check_amproc_signature(function.amproc, INTERNALOID, true, 1, 1, INTERNALOID))
    return validation.Complain("has a support function of another signature than (internal) returns internal");
  (function.amprocnum == kVectorFunction ? validation.is_vector : validation.is_filter) = true;
}

void CheckVectorOperator(Validation& validation, const FormData_pg_amop& entry) {
  const Oid type = validation.form.opcintype;
  if (entry.amoplefttype != type) return;
  if (entry.amopstrategy == kWithin) {
    if (entry.amoppurpose != AMOP_SEARCH || !check_amop_signature(entry.amopopr, BOOLOID, type, RECORDOID))
      validation.Complain("has an operator 2 that is no range of distance");
    else if (!op_strict(entry.amopopr))
      validation.Complain("has an operator that is not strict");
    return;
  }
  if (entry.amoprighttype != type) return;
  if (entry.amopstrategy != kOrder)
    validation.Complain("has an operator of an unknown number");
  else if (entry.amoppurpose != AMOP_ORDER || !opfamily_can_sort_type(entry.amopsortfamily, FLOAT8OID))
    validation.Complain("has an operator that does not order by a distance");
  else if (!check_amop_signature(entry.amopopr, FLOAT8OID, type, type))
    validation.Complain("has an operator that does not return double precision");
  else
    validation.has_operator = true;
}

void CheckFilterOperator(Validation& validation, const FormData_pg_amop& entry) {
  if (entry.amoplefttype != validation.form.opcintype) return;
  if (entry.amopstrategy < 1 || entry.amopstrategy > kMostFilterStrategies)
    validation.Complain("has an operator of an unknown number");
  else if (entry.amoppurpose != AMOP_SEARCH)
    validation.Complain("has an operator that orders, and is no class of vectors");
  else if (!check_amop_signature(entry.amopopr, BOOLOID, entry.amoplefttype, entry.amoprighttype))
    validation.Complain("has an operator that does not return boolean");
  else if (!op_strict(entry.amopopr))
    validation.Complain("has an operator that is not strict");
  else
    validation.has_operator = true;
}

}  // namespace

// Of vectors: support function 1 names type and metric; operator 1 orders by distance, 2, which it need not have, is a
// range of distance. Of filter columns: support function 2 says how values are kept; operators 1 to 5 are B-tree's, or
// of arrays 1 is && and 2 is @>.
bool ValidateOperatorClass(Oid operator_class) {
  const HeapTuple tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(operator_class));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for operator class %u", operator_class);
  Validation validation{*reinterpret_cast<Form_pg_opclass>(GETSTRUCT(tuple))};

  CatCList* functions = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(validation.form.opcfamily));
  for (int i = 0; i < functions->n_members; ++i)
    CheckFunction(validation, *reinterpret_cast<Form_pg_amproc>(GETSTRUCT(&functions->members[i]->tuple)));
  ReleaseCatCacheList(functions);
  if (validation.is_vector && validation.is_filter)
    validation.Complain("has support functions of vectors and of filter columns");

  CatCList* operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(validation.form.opcfamily));
  for (int i = 0; i < operators->n_members; ++i) {
    const FormData_pg_amop& entry = *reinterpret_cast<Form_pg_amop>(GETSTRUCT(&operators->members[i]->tuple));
    if (validation.is_filter)
      CheckFilterOperator(validation, entry);
    else
      CheckVectorOperator(validation, entry);
  }
  ReleaseCatCacheList(operators);

  if (!validation.is_vector && !validation.is_filter) validation.Complain("lacks support function 1 or 2");
  if (!validation.has_operator) validation.Complain("lacks operator 1");
  ReleaseSysCache(tuple);
  return validation.sound;
}

}  // namespace medvec::index
