// A TorchScript network in memory, ready to run. The only door to libtorch, with model_archive.hpp.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "spec.hpp"

namespace medvec::embedder {

// A network's input for one image: channels x height x width.
struct InputShape {
  uint32_t channels;
  uint32_t height;
  uint32_t width;
  auto operator<=>(const InputShape&) const = default;
  size_t size() const { return size_t{channels} * height * width; }
};

inline InputShape ShapeOf(const Spec& spec) {
  return {static_cast<uint32_t>(spec.channels), static_cast<uint32_t>(spec.height), static_cast<uint32_t>(spec.width)};
}

// Must be called once, before there are threads: each network runs on one thread (docs/decisions/0003).
void InitTorch();

class Model {
 public:
  // From the bytes of a file; nothing refers to them afterwards. The code is checked before any of it runs. `shape` is
  // that of the input it is prepared for. Throws RequestError: model_refused, out_of_memory.
  static std::shared_ptr<Model> Load(std::span<const std::byte> file, InputShape shape);

  // The spec stored in the file as the extra file medvec.json, empty where there is none.
  static std::string StoredSpec(std::span<const std::byte> file);

  ~Model();

  // The vector of one image: the network's output, pooled and normalised as the spec says. `input` is of the shape
  // given to Load. The same input gives the same vector, bit by bit, whatever else is running. Any thread.
  // Throws RequestError: model_failed, out_of_memory.
  std::vector<float> Run(std::span<const float> input, const Spec& spec) const;

 private:
  struct State;
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medvec::embedder
