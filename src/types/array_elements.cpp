#include "types/array_elements.hpp"

namespace medvec {
namespace {

// The array has no NULLs, so its data are the elements side by side.
template <class Element>
void CopyAs(ArrayType* array, std::span<float> to) {
  const Element* source = reinterpret_cast<const Element*>(ARR_DATA_PTR(array));
  for (float& element : to) element = static_cast<float>(*source++);
}

void CopyNumerics(ArrayType* array, std::span<float> to) {
  Datum* numerics;
  int count;
  deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &numerics, nullptr, &count);
  for (float& element : to) element = DatumGetFloat4(DirectFunctionCall1(numeric_float4, *numerics++));
}

}  // namespace

int CountArrayElements(ArrayType* array) {
  if (ARR_NDIM(array) > 1) ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("array must be 1-D")));
  if (array_contains_nulls(array))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array must not contain nulls")));
  return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

void CopyArrayElements(ArrayType* array, std::span<float> to) {
  switch (ARR_ELEMTYPE(array)) {
    case INT4OID:
      return CopyAs<int32>(array, to);
    case FLOAT4OID:
      return CopyAs<float4>(array, to);
    case FLOAT8OID:
      return CopyAs<float8>(array, to);
    case NUMERICOID:
      return CopyNumerics(array, to);
    default:
      ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("unsupported array type")));
  }
}

ArrayType* NewRealArray(int dim, float** elements) {
  const Size size = ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * dim;
  ArrayType* array = static_cast<ArrayType*>(palloc(size));
  SET_VARSIZE(array, size);
  array->ndim = 1;
  array->dataoffset = 0;  // no NULLs
  array->elemtype = FLOAT4OID;
  ARR_DIMS(array)[0] = dim;
  ARR_LBOUND(array)[0] = 1;
  *elements = reinterpret_cast<float*>(ARR_DATA_PTR(array));
  return array;
}

}  // namespace medvec
