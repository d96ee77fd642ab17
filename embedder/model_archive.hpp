// What is in a TorchScript file, looked at before any of its code runs.
//
// torch::jit::load runs code of the file (each __setstate__), so a check of the loaded module comes too late. Here the
// file's types and functions are compiled but not run, every operator in them is held against the allow-list, and
// objects are put together without __setstate__. Whatever torch::jit::load would load later has been seen by then,
// since it follows the same references in the same bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace caffe2::serialize {
class ReadAdapterInterface;
}

namespace medvec::embedder {

// For libtorch, a file that is these bytes. They must outlive it.
std::shared_ptr<caffe2::serialize::ReadAdapterInterface> FileInMemory(std::span<const std::byte> file);

// Throws RequestError (model_refused) naming the operator and where it stands, or what else is wrong.
void CheckArchive(std::span<const std::byte> file);

// The text stored as extra file `name`, empty where there is none. Throws RequestError (model_refused).
std::string ExtraFile(std::span<const std::byte> file, const std::string& name);

// What a libtorch exception says, fit for an error's detail: one line, no backtrace.
std::string BriefMessage(const char* what);

// Whether an exception with this text says that memory was short.
bool MemoryWasShort(const char* what);

// RequestError of `code`, or out_of_memory where the message says that memory was short.
[[noreturn]] void RethrowTorchError(const char* what, uint32_t code, const std::string& message);

}  // namespace medvec::embedder
