// Elements of vectors from SQL arrays and back.
#pragma once

#include <span>

#include "pg/arrays.hpp"

namespace medvec {

// The number of elements of a one-dimensional (or empty) array; 22000 for others, 22004 for one that has NULLs.
int CountArrayElements(ArrayType* array);

// The elements of an array of integer, real, double precision or numeric that has no NULLs, as floats: numbers beyond
// float32 become infinite. 22000 for another type.
void CopyArrayElements(ArrayType* array, std::span<float> to);

// A real[] of `dim` elements, which are the caller's to set, at `*elements`.
ArrayType* NewRealArray(int dim, float** elements);

}  // namespace medvec
