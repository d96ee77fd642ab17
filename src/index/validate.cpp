#include "index/validate.hpp"

#include "pg/operator_classes.hpp"

namespace medvec::index {

namespace {

// `what` is wrong with the operator class.
bool Complain(const FormData_pg_opclass& form, const char* what) {
  ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                 errmsg("operator class \"%s\" of access method hnsw %s", NameStr(form.opcname), what)));
  return false;
}

}  // namespace

// Support function 1 names type and metric; operator 1 orders by distance. No others have a meaning.
bool ValidateOperatorClass(Oid operator_class) {
  const HeapTuple tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(operator_class));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for operator class %u", operator_class);
  const FormData_pg_opclass& form = *reinterpret_cast<Form_pg_opclass>(GETSTRUCT(tuple));
  const Oid type = form.opcintype;
  bool sound = true;

  bool has_support = false, has_operator = false;
  CatCList* functions = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(form.opcfamily));
  for (int i = 0; i < functions->n_members; ++i) {
    const FormData_pg_amproc& function = *reinterpret_cast<Form_pg_amproc>(GETSTRUCT(&functions->members[i]->tuple));
    if (function.amproclefttype != type || function.amprocrighttype != type) continue;
    if (function.amprocnum != 1)
      sound = Complain(form, "has a support function of an unknown number");
    else if (!check_amproc_signature(function.amproc, INTERNALOID, true, 1, 1, INTERNALOID))
      sound = Complain(form, "has a support function of another signature than (internal) returns internal");
    else
      has_support = true;
  }
  ReleaseCatCacheList(functions);

  CatCList* operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(form.opcfamily));
  for (int i = 0; i < operators->n_members; ++i) {
    const FormData_pg_amop& entry = *reinterpret_cast<Form_pg_amop>(GETSTRUCT(&operators->members[i]->tuple));
    if (entry.amoplefttype != type || entry.amoprighttype != type) continue;
    if (entry.amopstrategy != 1)
      sound = Complain(form, "has an operator of an unknown number");
    else if (entry.amoppurpose != AMOP_ORDER || !opfamily_can_sort_type(entry.amopsortfamily, FLOAT8OID))
      sound = Complain(form, "has an operator that does not order by a distance");
    else if (!check_amop_signature(entry.amopopr, FLOAT8OID, type, type))
      sound = Complain(form, "has an operator that does not return double precision");
    else
      has_operator = true;
  }
  ReleaseCatCacheList(operators);

  if (!has_support) sound = Complain(form, "lacks support function 1");
  if (!has_operator) sound = Complain(form, "lacks operator 1");
  ReleaseSysCache(tuple);
  return sound;
}

}  // namespace medvec::index
