// SQL arrays of numbers, as the casts to vector types take them.
#pragma once

#include <span>

#include "pg/arrays.hpp"

namespace medvec {

// How many elements the array has. 22000 when it has more than one dimension, 22004 when it has NULLs.
int CountNumbers(ArrayType* array);
// Reads an array of integer, real, double precision or numeric, of as many elements as `numbers`. What is too great for
// float32 becomes infinite, but 22003 for a numeric.
void ReadNumbers(ArrayType* array, std::span<float> numbers);

}  // namespace medvec
