// Arithmetic element by element on vectors of float32 or of binary16, for the widest instruction set of this machine.
//
// Shapes: all operands hold `dim` elements, in any alignment; nothing beyond them is touched. `result` may be an
// operand. Halves are computed in float32 and rounded to half: for sum, difference and product this is the exact result
// rounded once, since float32 has 2 * 11 + 2 bits (Figueroa 1995).
#pragma once

#include <cstddef>

#include "core/half.hpp"

namespace medvec {

// Those that return bool say whether all results are in range; all are stored all the same.
template <class Element>
struct ArithmeticKernels {
  bool (*add)(const Element* a, const Element* b, Element* result, size_t dim);
  bool (*subtract)(const Element* a, const Element* b, Element* result, size_t dim);
  // A product that is 0 though neither factor is counts as out of range.
  bool (*multiply)(const Element* a, const Element* b, Element* result, size_t dim);
  // The quotient is double, then rounded to float, then to Element.
  void (*divide)(const Element* a, double divisor, Element* result, size_t dim);
  // result = sums + a
  void (*accumulate)(const double* sums, const Element* a, double* result, size_t dim);
};

// Of float and of Half.
template <class Element>
const ArithmeticKernels<Element>& GetArithmeticKernels();
template <>
const ArithmeticKernels<float>& GetArithmeticKernels<float>();
template <>
const ArithmeticKernels<Half>& GetArithmeticKernels<Half>();

}  // namespace medvec
