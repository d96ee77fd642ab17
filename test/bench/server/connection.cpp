#include "connection.hpp"

#include <arpa/inet.h>
#include <endian.h>
#include <sched.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace medvec::bench {

Connection::Connection(const std::string& database) : connection_(PQconnectdb(("dbname=" + database).c_str())) {
  if (PQstatus(connection_) != CONNECTION_OK) std::fputs(PQerrorMessage(connection_), stderr), std::exit(1);
  pid_ = PQbackendPID(connection_);
}

void Connection::Check(const PGresult* result, const std::string& what) const {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
      return;
    default:
      std::fprintf(stderr, "%s\n%s", what.c_str(), PQerrorMessage(connection_));
      std::exit(1);
  }
}

Result Connection::Do(const std::string& sql) {
  Result result(PQexec(connection_, sql.c_str()), PQclear);
  Check(result.get(), sql);
  return result;
}

std::string Connection::Value(const std::string& sql) {
  const Result result = Do(sql);
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

void Connection::Prepare(const std::string& name, const std::string& sql) {
  const Result result(PQprepare(connection_, name.c_str(), sql.c_str(), 0, nullptr), PQclear);
  Check(result.get(), sql);
}

Result Connection::Execute(const std::string& name, const std::vector<std::string>& parameters) {
  const char* values[8];
  int lengths[8], formats[8];
  for (size_t i = 0; i < parameters.size(); ++i) {
    values[i] = parameters[i].data();
    lengths[i] = static_cast<int>(parameters[i].size());
    formats[i] = 1;
  }
  Result result(PQexecPrepared(connection_, name.c_str(), static_cast<int>(parameters.size()), values, lengths, formats,
                               /*resultFormat=*/1),
                PQclear);
  Check(result.get(), name);
  return result;
}

void Connection::CopyStart(const std::string& sql) {
  Do(sql);
  CopyData(std::string("PGCOPY\n\377\r\n\0", 11) + std::string(8, '\0'));
}

void Connection::CopyData(const std::string& bytes) {
  if (PQputCopyData(connection_, bytes.data(), static_cast<int>(bytes.size())) == 1) return;
  std::fputs(PQerrorMessage(connection_), stderr);
  std::exit(1);
}

void Connection::CopyEnd() {
  CopyData("\377\377");
  PQputCopyEnd(connection_, nullptr);
  while (PGresult* result = PQgetResult(connection_)) {
    Check(result, "COPY");
    PQclear(result);
  }
}

double Connection::Cpu() const {
  const std::string process = "/proc/" + std::to_string(pid_);
  for (char state = 0; state != 'S'; sched_yield()) {
    FILE* file = std::fopen((process + "/stat").c_str(), "r");
    if (file == nullptr || std::fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
      std::fprintf(stderr, "cannot read stat of backend %d\n", pid_);
      std::exit(1);
    }
    std::fclose(file);
  }
  FILE* file = std::fopen((process + "/schedstat").c_str(), "r");
  unsigned long long nanoseconds = 0;
  if (file == nullptr || std::fscanf(file, "%llu", &nanoseconds) != 1) {
    std::fprintf(stderr, "cannot read schedstat of backend %d\n", pid_);
    std::exit(1);
  }
  std::fclose(file);
  return static_cast<double>(nanoseconds) * 1e-9;
}

void Connection::ShareProcessor() const {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  CPU_SET(sched_getcpu(), &processors);
  if (sched_setaffinity(pid_, sizeof processors, &processors) == 0)
    sched_setaffinity(0, sizeof processors, &processors);
}

std::string BinaryInt(int32_t value) {
  const uint32_t big = htonl(static_cast<uint32_t>(value));
  return std::string(reinterpret_cast<const char*>(&big), 4);
}

std::string BinaryInts(const std::vector<int32_t>& values) {
  constexpr int32_t kInt4 = 23;  // the type's OID
  const int32_t size = static_cast<int32_t>(values.size());
  std::string bytes;
  for (const int32_t header : {1, 0, kInt4, size, 1}) bytes += BinaryInt(header);  // one dimension, no nulls, from 1
  for (const int32_t value : values) bytes += BinaryInt(4) + BinaryInt(value);
  return bytes;
}

std::string BinaryDouble(double value) {
  const uint64_t big = htobe64(std::bit_cast<uint64_t>(value));
  return std::string(reinterpret_cast<const char*>(&big), 8);
}

int32_t IntOf(const char* binary) {
  uint32_t big;
  std::memcpy(&big, binary, 4);
  return static_cast<int32_t>(ntohl(big));
}

int64_t BigintOf(const char* binary) {
  uint64_t big;
  std::memcpy(&big, binary, 8);
  return static_cast<int64_t>(be64toh(big));
}

double NumberAfter(const std::string& json, const char* key) {
  const size_t at = json.find(key);
  return at == std::string::npos ? 0 : std::strtod(json.c_str() + at + std::strlen(key), nullptr);
}

}  // namespace medvec::bench
