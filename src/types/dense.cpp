#include "types/dense.hpp"

using namespace medvec;

void medvec::ConvertElements(std::span<const float> from, Half* to) {
  if (likely(FloatsToHalves(from.data(), to, from.size()))) return;
  for (size_t i = 0; i < from.size(); ++i)
    if (IsFinite(from[i]) && !IsFinite(to[i])) RaiseOutOfRange(HalfVec::kType, from[i]);
}

namespace {

// The dimensions stand in front, so a vector stored out of line need not be fetched whole.
template <class Element>
Datum Dims(FunctionCallInfo fcinfo) {
  using Dense = DenseVector<Element>;
  const auto* head = reinterpret_cast<Dense*>(
      PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0, offsetof(Dense, x) - offsetof(Dense, dim)));
  PG_RETURN_INT32(head->dim);
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_typmod_in) { PG_RETURN_INT32(ReadTypmod(fcinfo, Vector::kType, kMaxVectorDim)); }
MEDVEC_FUNCTION(medvec_halfvec_typmod_in) { PG_RETURN_INT32(ReadTypmod(fcinfo, HalfVec::kType, kMaxVectorDim)); }

MEDVEC_FUNCTION(medvec_vector_dims) { return Dims<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_dims) { return Dims<Half>(fcinfo); }
