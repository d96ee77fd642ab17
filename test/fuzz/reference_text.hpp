// The text forms, read slowly and in another way than core does: cut at the brackets and commas, then each piece by
// itself, numbers by the C library. `begin` and `end` say where the fault lies, as `token` of core does.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "core/sparse_text.hpp"
#include "core/vector_text.hpp"

namespace medvec::fuzz {

template <class Element>
struct ReferenceVector {
  VectorTextError error;
  std::vector<Element> elements;
  std::string_view token;
};

// At most `limit` elements.
template <class Element>
ReferenceVector<Element> ReadVectorText(std::string_view text, size_t limit);
extern template ReferenceVector<float> ReadVectorText(std::string_view text, size_t limit);
extern template ReferenceVector<Half> ReadVectorText(std::string_view text, size_t limit);

struct ReferenceSparse {
  SparseError error;
  int32_t dim = 0;
  std::vector<std::pair<int32_t, float>> elements = {};  // indices from 0, ascending
};

// At most `limit` elements, those that are 0 among them.
ReferenceSparse ReadSparseText(std::string_view text, size_t limit);

// The half nearest to `value`, of two equally near the even one.
Half NearestHalf(double value);

}  // namespace medvec::fuzz
