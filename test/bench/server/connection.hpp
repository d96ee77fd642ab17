// A session on the server, and what its backend has spent.
#pragma once

#include <libpq-fe.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace medvec::bench {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

// Every failure ends the program with the server's message.
class Connection {
 public:
  // Host, port and user are libpq's environment.
  explicit Connection(const std::string& database);
  Connection(const Connection&) = delete;
  ~Connection() { PQfinish(connection_); }

  Result Do(const std::string& sql);
  std::string Value(const std::string& sql);  // first column of the first row
  void Prepare(const std::string& name, const std::string& sql);
  // Parameters and results are in binary form.
  Result Execute(const std::string& name, const std::vector<std::string>& parameters);

  // COPY ... FROM STDIN (FORMAT binary)
  void CopyStart(const std::string& sql);
  void CopyData(const std::string& bytes);
  void CopyEnd();

  // Seconds the backend has spent on a processor, from /proc/PID/schedstat: the server's machine is this one. Waits
  // until the backend sleeps, as until then its last time slice is not counted.
  double Cpu() const;

  // Keeps the backend, and this program, on the processor where the program is: waking one another then costs little
  // and always the same, instead of 10 to 40 us of the backend's CPU. Does nothing where the system does not allow it.
  void ShareProcessor() const;

 private:
  void Check(const PGresult* result, const std::string& what) const;

  PGconn* connection_;
  int pid_;
};

// Types in binary form.
std::string BinaryInt(int32_t value);
std::string BinaryInts(const std::vector<int32_t>& values);  // int[]
std::string BinaryDouble(double value);
int32_t IntOf(const char* binary);
int64_t BigintOf(const char* binary);

// The first number after `key` ("\"Shared Hit Blocks\":"), which for a plan in JSON is the whole plan's.
double NumberAfter(const std::string& json, const char* key);

template <typename T>
double Quantile(std::vector<T> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

}  // namespace medvec::bench
