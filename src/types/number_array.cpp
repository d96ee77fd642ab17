#include "types/number_array.hpp"

namespace medvec {
namespace {

// The array has no NULLs, so its data are the elements side by side.
template <class Element>
void ReadElements(ArrayType* array, std::span<float> numbers) {
  const Element* source = reinterpret_cast<const Element*>(ARR_DATA_PTR(array));
  for (float& number : numbers) number = static_cast<float>(*source++);
}

void ReadNumerics(ArrayType* array, std::span<float> numbers) {
  Datum* numerics;
  int count;
  deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &numerics, nullptr, &count);
  for (float& number : numbers) number = DatumGetFloat4(DirectFunctionCall1(numeric_float4, *numerics++));
}

}  // namespace

int CountNumbers(ArrayType* array) {
  if (ARR_NDIM(array) > 1) ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("array must be 1-D")));
  if (array_contains_nulls(array))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array must not contain nulls")));
  return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

void ReadNumbers(ArrayType* array, std::span<float> numbers) {
  switch (ARR_ELEMTYPE(array)) {
    case INT4OID:
      return ReadElements<int32>(array, numbers);
    case FLOAT4OID:
      return ReadElements<float4>(array, numbers);
    case FLOAT8OID:
      return ReadElements<float8>(array, numbers);
    case NUMERICOID:
      return ReadNumerics(array, numbers);
    default:
      ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("unsupported array type")));
  }
}

}  // namespace medvec
