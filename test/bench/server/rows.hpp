// The rows of a set on their way to the server.
#pragma once

#include <string>
#include <vector>

#include "../hnsw_core/data.hpp"
#include "connection.hpp"

namespace medvec::bench {

// The operator that orders by the metric.
const char* OperatorOf(Metric metric);

// A row or query of the set as the server's type in binary form.
std::string Binary(const Set& set, size_t row);

// COPY of the rows first to first + count, numbered from 0, into `table`, whose columns are named like "table (id, v)";
// a further column of type int for each of `numbers`.
void CopyRows(const Set& set, size_t first, size_t count, const std::string& table,
              const std::vector<std::vector<int32_t>>& numbers, Connection* connection);

}  // namespace medvec::bench
