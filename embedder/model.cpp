#include "model.hpp"

#include <ATen/Parallel.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <dlfcn.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/profiling_graph_executor_impl.h>
#include <torch/script.h>

#include <cmath>
#include <cstring>
#include <optional>

#include "model_archive.hpp"
#include "operator_allowlist.hpp"
#include "wire.hpp"

namespace medvec::embedder {

using protocol::ErrorCode;
namespace jit = torch::jit;

namespace {

// How far the optimised network's output may be from the network's own, as a part of its length. Folding and another
// order of sums give 1e-6; a wrong rewrite is far above this.
constexpr double kOptimisedTolerance = 1e-3;

RequestError Refused(const std::string& detail) {
  return {ErrorCode::model_refused, "the model cannot be used", detail,
          "A model takes a tensor N x channels x height x width of float32 and returns one of N x dimensions, or of "
          "N x channels x height x width with \"pool\": \"average\" in its spec."};
}

RequestError Failed(const std::string& detail) {
  return {ErrorCode::model_failed, "the model failed on this image", detail, {}};
}

// Leaves `input` as it is: a network may change its input in place.
at::Tensor Forward(jit::Module& module, const at::Tensor& input) {
  c10::IValue output = module.forward({input.clone()});
  if (!output.isTensor()) throw Refused("Its output is of type " + output.type()->str() + ", not a tensor.");
  return output.toTensor().to(at::kCPU, at::kFloat).contiguous();
}

std::shared_ptr<jit::Graph> Inlined(const jit::Module& module) {
  std::shared_ptr<jit::Graph> graph = module.get_method("forward").graph()->copy();
  jit::Inline(*graph);
  return graph;
}

// Noise between -2 and 2, the range of normalised pixels, and the same every time.
at::Tensor Probe(InputShape shape) {
  at::Tensor probe = at::empty({1, shape.channels, shape.height, shape.width}, at::kFloat);
  uint32_t state = 1;
  for (float *value = probe.data_ptr<float>(), *end = value + probe.numel(); value != end; ++value) {
    state = state * 1664525u + 1013904223u;
    *value = static_cast<float>(state >> 8) / (1 << 22) - 2.0f;
  }
  return probe;
}

// A prepared network is one graph. What is left to chance in it would make a vector more than a function of the image.
void RefuseChance(const jit::Block& block) {
  for (const jit::Node* node : block.nodes()) {
    std::string name = node->kind().toQualString();
    if (PermissionOf(name, false) == Permission::by_chance) {
      throw RequestError(ErrorCode::model_refused, "the model gives different vectors for the same image",
                         "It uses operation \"" + name + "\".", "Export the network in evaluation mode.");
    }
    for (const jit::Block* inner : node->blocks()) RefuseChance(*inner);
  }
}

// To be called in a handler.
void RethrowShortage(const std::exception& error) {
  if (MemoryWasShort(error.what())) throw;
}

bool SameResult(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return false;
  double difference = (a - b).to(at::kDouble).norm().item<double>();
  double length = b.to(at::kDouble).norm().item<double>();
  return difference <= kOptimisedTolerance * length;  // false with NaN
}

}  // namespace

struct Model::State {
  mutable jit::Module module;
  InputShape shape;
};

void InitTorch() {
  at::set_num_threads(1);
  at::set_num_interop_threads(1);
  // Some BLAS libraries bring threads of their own.
  if (void* symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
    reinterpret_cast<void (*)(int)>(symbol)(1);
  }
  // The profiling executor spends the first runs recording; a frozen network with shapes that never change gains
  // nothing from that.
  jit::getProfilingMode() = false;
  jit::getExecutorMode() = false;
}

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::~Model() = default;

std::string Model::StoredSpec(std::span<const std::byte> file) { return ExtraFile(file, "medvec.json"); }

std::shared_ptr<Model> Model::Load(std::span<const std::byte> file, InputShape shape) {
  CheckArchive(file);
  at::set_num_threads(1);  // of the calling thread, for OpenMP
  try {
    c10::NoGradGuard no_gradients;
    jit::Module plain = jit::load(FileInMemory(file), c10::kCPU);
    plain.eval();
    at::Tensor probe = Probe(shape);
    at::Tensor expected = Forward(plain, probe);
    if (expected.dim() < 2 || expected.size(0) != 1) {
      throw Refused("For one image its output is of shape " + std::string(c10::str(expected.sizes())) + ".");
    }
    // Freezing drops what inference does not reach. A network that cannot be frozen runs as it is.
    std::optional<jit::Module> frozen;
    try {
      frozen = jit::freeze(plain);
    } catch (const std::exception& error) {
      RethrowShortage(error);
    }
    RefuseChance(*(frozen ? frozen->get_method("forward").graph() : Inlined(plain))->block());
    // The optimised network is several times faster (oneDNN's layouts throughout); should a rewrite be wrong for this
    // network, the next weaker one is taken. The choice must depend on the file alone, so a
    // shortage of memory is no reason to take another.
    auto right = [&](jit::Module& variant) {
      Forward(variant, probe);  // the first run may rewrite once more
      return SameResult(Forward(variant, probe), expected);
    };
    std::optional<jit::Module> chosen;
    if (frozen) {
      try {
        jit::Module optimised = frozen->clone();
        optimised = jit::optimize_for_inference(optimised);
        if (right(optimised)) chosen = optimised;
      } catch (const std::exception& error) {
        RethrowShortage(error);
      }
      if (!chosen && right(*frozen)) chosen = frozen;
    }
    return std::shared_ptr<Model>(new Model(std::make_unique<State>(State{chosen ? *chosen : plain, shape})));
  } catch (const c10::Error& error) {
    RethrowTorchError(error.what_without_backtrace(), static_cast<uint32_t>(ErrorCode::model_refused),
                      "the model cannot be used");
  } catch (const RequestError&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    RethrowTorchError(error.what(), static_cast<uint32_t>(ErrorCode::model_refused), "the model cannot be used");
  }
}

std::vector<float> Model::Run(std::span<const float> input, const Spec& spec) const {
  if (input.size() != state_->shape.size())
    throw Failed("The decoded image is of another shape than the model's input.");
  thread_local bool one_thread = false;
  if (!one_thread) {
    at::set_num_threads(1);  // of the calling thread, for OpenMP
    one_thread = true;
  }
  try {
    c10::InferenceMode inference;
    const InputShape& shape = state_->shape;
    at::Tensor tensor =
        at::from_blob(const_cast<float*>(input.data()), {1, shape.channels, shape.height, shape.width}, at::kFloat);
    at::Tensor output = Forward(state_->module, tensor);
    if (spec.pool == Pool::average) {
      if (output.dim() != 4) throw Failed("The spec asks for pooling, and the output is not of four dimensions.");
      output = output.mean(at::IntArrayRef{2, 3});
    }
    output = output.contiguous();
    if (output.dim() < 1 || output.size(0) != 1) throw Failed("The output is not that of one image.");
    std::span<const float> values(output.data_ptr<float>(), output.numel());
    std::vector<float> vector(values.begin(), values.end());
    double squares = 0;
    for (float value : vector) {
      if (!std::isfinite(value)) throw Failed("Its output holds values that are not finite.");
      squares += double{value} * value;
    }
    if (spec.l2_normalize) {
      if (squares == 0) throw Failed("Its output is zero and cannot be scaled to length 1.");
      double scale = 1 / std::sqrt(squares);
      for (float& value : vector) value = static_cast<float>(value * scale);
    }
    return vector;
  } catch (const c10::Error& error) {
    RethrowTorchError(error.what_without_backtrace(), static_cast<uint32_t>(ErrorCode::model_failed),
                      "the model failed on this image");
  } catch (const RequestError&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    RethrowTorchError(error.what(), static_cast<uint32_t>(ErrorCode::model_failed), "the model failed on this image");
  }
}

}  // namespace medvec::embedder
