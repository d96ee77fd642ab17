#include "types/sparsevec.hpp"

namespace medvec {
namespace {

struct Fault {
  int sqlstate;
  const char* message;
};

static_assert(kMaxSparseDim == 1000000000 && kMaxSparseElements == 16000, "the messages say so");

Fault Describe(SparseError error) {
  switch (error) {
    case SparseError::kNone:
      break;
    case SparseError::kNoOpeningBrace:
    case SparseError::kSyntax:
    case SparseError::kTextBehindEnd:
      return {ERRCODE_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type sparsevec"};
    case SparseError::kOutOfRange:
      return {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range for type sparsevec"};
    case SparseError::kNoDimensions:
      return {ERRCODE_DATA_EXCEPTION, "sparsevec must have at least 1 dimension"};
    case SparseError::kTooManyDimensions:
      return {ERRCODE_PROGRAM_LIMIT_EXCEEDED, "sparsevec cannot have more than 1000000000 dimensions"};
    case SparseError::kNegativeElements:
      return {ERRCODE_DATA_EXCEPTION, "sparsevec cannot have negative number of elements"};
    case SparseError::kTooManyElements:
      return {ERRCODE_PROGRAM_LIMIT_EXCEEDED, "sparsevec cannot have more than 16000 non-zero elements"};
    case SparseError::kMoreElementsThanDimensions:
      return {ERRCODE_PROGRAM_LIMIT_EXCEEDED, "sparsevec cannot have more elements than dimensions"};
    case SparseError::kIndexOutOfBounds:
      return {ERRCODE_DATA_EXCEPTION, "sparsevec index out of bounds"};
    case SparseError::kDuplicateIndices:
      return {ERRCODE_DATA_EXCEPTION, "sparsevec indices must not contain duplicates"};
    case SparseError::kDescendingIndices:
      return {ERRCODE_DATA_EXCEPTION, "sparsevec indices must be in ascending order"};
    case SparseError::kZeroValue:
      return {ERRCODE_DATA_EXCEPTION, "binary representation of sparsevec cannot contain zero values"};
    case SparseError::kNotANumber:
      return {ERRCODE_DATA_EXCEPTION, "NaN not allowed in sparsevec"};
    case SparseError::kInfinite:
      return {ERRCODE_DATA_EXCEPTION, "infinite value not allowed in sparsevec"};
  }
  pg_unreachable();
}

}  // namespace

SparseVec* NewSparseVec(int dim, int nnz) {
  const Size size = SparseVecSize(nnz);
  SparseVec* vector = static_cast<SparseVec*>(palloc(size));
  SET_VARSIZE(vector, size);
  vector->dim = dim;
  vector->nnz = nnz;
  vector->unused = 0;
  return vector;
}

void ReportSparseError(Node* escontext, SparseError error, const char* where) {
  const Fault fault = Describe(error);
  errsave(escontext, (errcode(fault.sqlstate), errmsg_internal("%s", fault.message),
                      where != nullptr ? errdetail_internal("%s", where) : 0));
}

}  // namespace medvec

using namespace medvec;

MEDVEC_FUNCTION(medvec_sparsevec_typmod_in) { PG_RETURN_INT32(ReadTypmod(fcinfo, SparseVec::kType, kMaxSparseDim)); }
