#include "connection.hpp"
#include "modes.hpp"

namespace medvec::bench {
namespace {

template <typename T>
void Append(T value, std::string* bytes) {
  for (int shift = 8 * (sizeof(T) - 1); shift >= 0; shift -= 8) bytes->push_back(static_cast<char>(value >> shift));
}

}  // namespace

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

void Load(const Options& options) {
  const Set set = LoadRows(options.path, options.type, options.metric, options.rows, options.queries);
  const Server& server = options.servers.at(0);
  Connection connection(server.database);
  connection.CopyStart("COPY " + server.table + " (id, v) FROM STDIN (FORMAT binary)");
  const std::string two_columns("\0\2", 2), int_size = BinaryInt(4);
  for (size_t i = 0; i < set.count; ++i) {
    const std::string vector = Binary(set, i);
    connection.CopyData(two_columns + int_size + BinaryInt(static_cast<int32_t>(i)) +
                        BinaryInt(static_cast<int32_t>(vector.size())) + vector);
  }
  connection.CopyEnd();
  std::printf("{\"rows\": %zu, \"dim\": %zu}\n", set.count, set.dim);
}

}  // namespace medvec::bench
