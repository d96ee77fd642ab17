// A session on the server, and what its backend has spent.
#pragma once

#include <libpq-fe.h>

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

  // Seconds the backend has spent on a processor, from /proc/PID/schedstat: the server's machine is this one.
  double Cpu() const;

 private:
  void Check(const PGresult* result, const std::string& what) const;

  PGconn* connection_;
  int pid_;
};

// Types in binary form.
std::string BinaryInt(int32_t value);
int32_t IntOf(const char* binary);

}  // namespace medvec::bench
