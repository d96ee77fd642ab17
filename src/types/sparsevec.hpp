// The SQL type sparsevec(n): n float32 numbers, 1 to 1,000,000,000 of them, of which at most 16,000 are not 0.
//
// Stored as: varlena header, int32 dimensions, int32 elements that are not 0, int32 zero, their int32 indices (from 0,
// strictly ascending), their float32 values (finite, never 0); the layout pgvector's type has. Files here are one for
// each group of functions; their SQL is sparsevec.sql.
#pragma once

#include <span>

#include "core/sparse.hpp"
#include "pg/detoast.hpp"
#include "pg/server.hpp"
#include "types/dimensions.hpp"

namespace medvec {

struct SparseVec {
  static constexpr const char* kType = "sparsevec";

  int32 varlena_header;  // SET_VARSIZE
  int32 dim;
  int32 nnz;
  int32 unused;  // 0
  int32 index[FLEXIBLE_ARRAY_MEMBER];

  std::span<int32> indices() { return {index, static_cast<size_t>(nnz)}; }
  std::span<const int32> indices() const { return {index, static_cast<size_t>(nnz)}; }
  std::span<float> values() { return {reinterpret_cast<float*>(index + nnz), static_cast<size_t>(nnz)}; }
  std::span<const float> values() const {
    return {reinterpret_cast<const float*>(index + nnz), static_cast<size_t>(nnz)};
  }
  SparseView view() const { return {index, values().data(), static_cast<size_t>(nnz)}; }
};
static_assert(offsetof(SparseVec, index) == 16);

constexpr Size SparseVecSize(int nnz) { return offsetof(SparseVec, index) + (sizeof(int32) + sizeof(float)) * nnz; }

// Allocates a vector in the current context; indices and values are the caller's to set. The shape has been checked.
SparseVec* NewSparseVec(int dim, int nnz);

// Argument `n`, whole and aligned: the datum itself where it is so already, else a copy (PG_FREE_IF_COPY).
inline SparseVec* GetSparseVecArg(FunctionCallInfo fcinfo, int n) {
  return reinterpret_cast<SparseVec*>(Detoast(reinterpret_cast<struct varlena*>(PG_GETARG_POINTER(n))));
}

// Reports `error`, which is not kNone, to `escontext` (softly where that asks for it) or raises it. `where` is the
// detail: the place, never what stands there.
void ReportSparseError(Node* escontext, SparseError error, const char* where = nullptr);
inline void CheckSparse(SparseError error) {
  if (unlikely(error != SparseError::kNone)) ReportSparseError(nullptr, error);
}
// 22000 when the dimensions of the operands differ.
inline void CheckSameDim(const SparseVec* a, const SparseVec* b) {
  if (unlikely(a->dim != b->dim)) RaiseDifferentDims(SparseVec::kType, a->dim, b->dim);
}

}  // namespace medvec
