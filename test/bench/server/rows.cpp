#include "rows.hpp"

namespace medvec::bench {
namespace {

template <typename T>
void Append(T value, std::string* bytes) {
  for (int shift = 8 * (sizeof(T) - 1); shift >= 0; shift -= 8) bytes->push_back(static_cast<char>(value >> shift));
}

void AppendField(const std::string& value, std::string* bytes) {
  Append(static_cast<uint32_t>(value.size()), bytes);
  bytes->append(value);
}

}  // namespace

const char* OperatorOf(Metric metric) {
  return metric == Metric::kCosine         ? "<=>"
         : metric == Metric::kInnerProduct ? "<#>"
         : metric == Metric::kHamming      ? "<~>"
         : metric == Metric::kJaccard      ? "<%>"
                                           : "<->";
}

std::string Binary(const Set& set, size_t row) {
  std::string bytes;
  if (set.type == Type::kBit) {
    Append(static_cast<uint32_t>(set.dim), &bytes);
    return bytes.append(reinterpret_cast<const char*>(set.Bits(row)), (set.dim + 7) / 8);
  }
  Append(static_cast<uint32_t>(set.dim << 16), &bytes);  // two bytes are unused
  for (size_t i = 0; i < set.dim; ++i) {
    const float value = set.Row(row)[i];
    if (set.type == Type::kHalfvec)
      Append(std::bit_cast<uint16_t>(static_cast<_Float16>(value)), &bytes);
    else
      Append(std::bit_cast<uint32_t>(value), &bytes);
  }
  return bytes;
}

void CopyRows(const Set& set, size_t first, size_t count, const std::string& table,
              const std::vector<std::vector<int32_t>>& numbers, Connection* connection) {
  connection->CopyStart("COPY " + table + " FROM STDIN (FORMAT binary)");
  for (size_t i = 0; i < count; ++i) {
    std::string row;
    Append(static_cast<uint16_t>(2 + numbers.size()), &row);
    AppendField(BinaryInt(static_cast<int32_t>(i)), &row);
    AppendField(Binary(set, first + i), &row);
    for (const auto& column : numbers) AppendField(BinaryInt(column[i]), &row);
    connection->CopyData(row);
  }
  connection->CopyEnd();
}

}  // namespace medvec::bench
