// Casts: the type modifier of a column, arrays to vectors and back.
#include <cstring>

#include "pg/arrays.hpp"
#include "types/vector.hpp"

using namespace medvec;

namespace {

// The array has no NULLs, so its data are the elements side by side.
template <class Element>
void ConvertElements(ArrayType* array, std::span<float> elements) {
  const Element* source = reinterpret_cast<const Element*>(ARR_DATA_PTR(array));
  for (float& element : elements) element = static_cast<float>(*source++);
}

void ConvertNumerics(ArrayType* array, std::span<float> elements) {
  Datum* numerics;
  int count;
  deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &numerics, nullptr, &count);
  for (float& element : elements) element = DatumGetFloat4(DirectFunctionCall1(numeric_float4, *numerics++));
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_to_vector) {
  Vector* vector = GetVectorArg(fcinfo, 0);
  CheckTypmod(PG_GETARG_INT32(1), vector->dim);
  PG_RETURN_POINTER(vector);
}

MEDVEC_FUNCTION(medvec_array_to_vector) {
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(0);
  if (ARR_NDIM(array) > 1) ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("array must be 1-D")));
  if (array_contains_nulls(array))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array must not contain nulls")));
  const int dim = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
  CheckDim(dim);
  CheckTypmod(PG_GETARG_INT32(1), dim);

  Vector* vector = NewVector(dim);
  switch (ARR_ELEMTYPE(array)) {
    case INT4OID:
      ConvertElements<int32>(array, vector->elements());
      break;
    case FLOAT4OID:
      ConvertElements<float4>(array, vector->elements());
      break;
    case FLOAT8OID:
      ConvertElements<float8>(array, vector->elements());
      break;
    case NUMERICOID:
      ConvertNumerics(array, vector->elements());
      break;
    default:
      ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("unsupported array type")));
  }
  CheckFinite(vector->elements());
  PG_FREE_IF_COPY(array, 0);
  PG_RETURN_POINTER(vector);
}

MEDVEC_FUNCTION(medvec_vector_to_float4) {
  Vector* vector = GetVectorArg(fcinfo, 0);
  const Size data_size = sizeof(float4) * vector->dim;
  const Size size = ARR_OVERHEAD_NONULLS(1) + data_size;
  ArrayType* array = static_cast<ArrayType*>(palloc(size));
  SET_VARSIZE(array, size);
  array->ndim = 1;
  array->dataoffset = 0;  // no NULLs
  array->elemtype = FLOAT4OID;
  ARR_DIMS(array)[0] = vector->dim;
  ARR_LBOUND(array)[0] = 1;
  std::memcpy(ARR_DATA_PTR(array), vector->x, data_size);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_ARRAYTYPE_P(array);
}
