#include "index/scan_query.hpp"

namespace medvec::index {

ScanQuery::ScanQuery(const Index& index)
    : buffer(palloc(hnsw::QueryBufferSize(index.geometry()))), kind(QueryKind::kNull) {}

void ScanQuery::Load(const Index& index, Datum value, bool is_null) {
  const OperatorClass& operators = index.operators;
  double length = 0;
  hnsw::Input input;
  kind = QueryKind::kNull;
  if (!is_null) {
    const bool is_vector = LoadVector(operators, value, index.meta.dim, &input);
    kind = is_vector ? QueryKind::kVector : QueryKind::kNowhere;
    if (is_vector) length = operators.metric == hnsw::Metric::kCosine ? 1 : Length(operators, input, index.meta.dim);
  }
  if (kind != QueryKind::kVector) input = ZeroVector(operators, index.meta.dim);
  query = hnsw::GetKernels(index.geometry()).make_query(index.space, input, buffer);
  bound = hnsw::Bound(index.space, length);
}

}  // namespace medvec::index
