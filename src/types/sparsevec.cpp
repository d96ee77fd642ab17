#include "types/sparsevec.hpp"

namespace medvec {

SparseVec* NewSparseVec(int dim, int nnz) {
  const Size size = SparseVecSize(nnz);
  SparseVec* vector = static_cast<SparseVec*>(palloc(size));
  SET_VARSIZE(vector, size);
  vector->dim = dim;
  vector->nnz = nnz;
  vector->unused = 0;
  return vector;
}

void RaiseDifferentSparseDims(int a, int b) {
  ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("different sparsevec dimensions %d and %d", a, b)));
  pg_unreachable();
}

}  // namespace medvec
