#include "index/operator_class.hpp"

#include <cmath>

#include "core/distance.hpp"
#include "core/sparse_distance.hpp"
#include "pg/bits.hpp"
#include "types/halfvec.hpp"
#include "types/sparsevec.hpp"
#include "types/vector.hpp"

namespace medvec::index {

namespace {

using hnsw::Input;
using hnsw::Metric;

// ---- Types

template <class Type>
const Type* Get(Datum value) {
  return reinterpret_cast<const Type*>(Detoast(reinterpret_cast<struct varlena*>(DatumGetPointer(value))));
}

Input VectorInput(Datum value, uint32* dim) {
  const Vector* vector = Get<Vector>(value);
  *dim = static_cast<uint32>(vector->dim);
  return {.elements = vector->x};
}

Input HalfVecInput(Datum value, uint32* dim) {
  const HalfVec* vector = Get<HalfVec>(value);
  *dim = static_cast<uint32>(vector->dim);
  float* elements = static_cast<float*>(palloc(sizeof(float) * *dim));
  ConvertElements(vector->elements(), elements);
  return {.elements = elements};
}

Input SparseVecInput(Datum value, uint32* dim) {
  const SparseVec* vector = Get<SparseVec>(value);
  *dim = static_cast<uint32>(vector->dim);
  return {.nonzeros = vector->view()};
}

Input BitInput(Datum value, uint32* dim) {
  const VarBit* bits = DatumGetVarBitP(value);
  *dim = static_cast<uint32>(VARBITLEN(bits));
  return {.bits = VARBITS(bits)};
}

uint32 CheckDimensions(const char* type, int32 typmod) {
  if (typmod < 0)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("column does not have dimensions"),
             errhint("Declare the column or the expression as %s(n), for example (embedding::%s(512)).", type, type)));
  return static_cast<uint32>(typmod);
}

uint32 VectorDimensions(Oid, int32 typmod) { return CheckDimensions("vector", typmod); }
uint32 HalfVecDimensions(Oid, int32 typmod) { return CheckDimensions("halfvec", typmod); }
uint32 SparseVecDimensions(Oid, int32 typmod) { return CheckDimensions("sparsevec", typmod); }
uint32 BitDimensions(Oid type, int32 typmod) {
  if (type == VARBITOID)
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("type not supported for hnsw index"),
                    errhint("Bit strings in an index have one length: cast to bit(n).")));
  const uint32 dim = CheckDimensions("bit", typmod);
  if (dim > hnsw::kMaxBits)
    ereport(ERROR,
            (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
             errmsg("column cannot have more than %d dimensions for hnsw index", static_cast<int>(hnsw::kMaxBits))));
  return dim;
}

void RaiseVector(uint32 own, uint32 wanted) {
  RaiseDifferentDims("vector", static_cast<int>(own), static_cast<int>(wanted));
}
void RaiseHalfVec(uint32 own, uint32 wanted) {
  RaiseDifferentDims("halfvec", static_cast<int>(own), static_cast<int>(wanted));
}
void RaiseSparseVec(uint32 own, uint32 wanted) {
  RaiseDifferentDims("sparsevec", static_cast<int>(own), static_cast<int>(wanted));
}
void RaiseBits(uint32 own, uint32 wanted) {
  ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("different bit lengths %u and %u", own, wanted)));
}

constexpr OperatorClass VectorClass(Metric metric) {
  return {metric, Family::kDense, sizeof(float), VectorInput, VectorDimensions, RaiseVector};
}
constexpr OperatorClass HalfVecClass(Metric metric) {
  return {metric, Family::kDense, sizeof(Half), HalfVecInput, HalfVecDimensions, RaiseHalfVec};
}
constexpr OperatorClass SparseVecClass(Metric metric) {
  return {metric, Family::kSparse, 0, SparseVecInput, SparseVecDimensions, RaiseSparseVec};
}
constexpr OperatorClass BitClass(Metric metric) {
  return {metric, Family::kBits, 0, BitInput, BitDimensions, RaiseBits};
}

// ---- Vectors

// Of unit length; in the current context. False: there is none.
bool Normalise(const OperatorClass& operators, uint32 dim, Input* input) {
  const double length = Length(operators, *input, dim);
  if (length == 0) return false;
  const bool sparse = operators.family == Family::kSparse;
  const size_t count = sparse ? input->nonzeros.count : dim;
  const float* from = sparse ? input->nonzeros.values : input->elements;
  float* to = static_cast<float*>(palloc(sizeof(float) * count));
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i] / length);
  (sparse ? input->nonzeros.values : input->elements) = to;
  return true;
}

}  // namespace

OperatorClass GetOperatorClass(Relation index) {
  FmgrInfo* support = index_getprocinfo(index, 1, 1);
  return *reinterpret_cast<const OperatorClass*>(
      DatumGetPointer(FunctionCall1Coll(support, InvalidOid, PointerGetDatum(nullptr))));
}

uint32 ColumnDimensions(Relation index) {
  const FormData_pg_attribute& column = *TupleDescAttr(RelationGetDescr(index), 0);
  int32 typmod = column.atttypmod;
  const Oid type = getBaseTypeAndTypmod(column.atttypid, &typmod);
  return GetOperatorClass(index).dimensions(type, typmod);
}

bool LoadVector(const OperatorClass& operators, Datum value, uint32 dim, Input* input) {
  uint32 own_dim = 0;
  *input = operators.input(value, &own_dim);
  if (own_dim != dim) operators.raise_different(own_dim, dim);
  return operators.metric != Metric::kCosine || Normalise(operators, dim, input);
}

Input ZeroVector(const OperatorClass& operators, uint32 dim) {
  if (operators.family == Family::kSparse) return {};
  if (operators.family == Family::kBits) return {.bits = static_cast<uint8*>(palloc0(hnsw::BitBytes(dim)))};
  return {.elements = static_cast<float*>(palloc0(sizeof(float) * dim))};
}

double Length(const OperatorClass& operators, const Input& input, uint32 dim) {
  if (operators.family == Family::kBits) return 0;
  if (operators.family == Family::kSparse) return std::sqrt(SparseNormSquared(input.nonzeros));
  return std::sqrt(GetDistanceKernels<float>().norm_squared(input.elements, dim));
}

}  // namespace medvec::index

// A support function's result is a pointer into this library's constants.
#define MEDVEC_OPERATOR_CLASS(name, operators)                                    \
  MEDVEC_FUNCTION(name) {                                                         \
    static constexpr medvec::index::OperatorClass constant = operators;           \
    return PointerGetDatum(const_cast<medvec::index::OperatorClass*>(&constant)); \
  }                                                                               \
  static_assert(true)

using namespace medvec::index;

MEDVEC_OPERATOR_CLASS(medvec_hnsw_vector_l2_support, VectorClass(Metric::kL2));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_vector_ip_support, VectorClass(Metric::kInnerProduct));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_vector_cosine_support, VectorClass(Metric::kCosine));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_vector_l1_support, VectorClass(Metric::kL1));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_halfvec_l2_support, HalfVecClass(Metric::kL2));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_halfvec_ip_support, HalfVecClass(Metric::kInnerProduct));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_halfvec_cosine_support, HalfVecClass(Metric::kCosine));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_halfvec_l1_support, HalfVecClass(Metric::kL1));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_sparsevec_l2_support, SparseVecClass(Metric::kL2));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_sparsevec_ip_support, SparseVecClass(Metric::kInnerProduct));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_sparsevec_cosine_support, SparseVecClass(Metric::kCosine));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_sparsevec_l1_support, SparseVecClass(Metric::kL1));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_bit_hamming_support, BitClass(Metric::kHamming));
MEDVEC_OPERATOR_CLASS(medvec_hnsw_bit_jaccard_support, BitClass(Metric::kJaccard));
