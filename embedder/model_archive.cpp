#include "model_archive.hpp"

#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/serialization/import_read.h>
#include <torch/csrc/jit/serialization/import_source.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "operator_allowlist.hpp"
#include "wire.hpp"

namespace medvec::embedder {

using caffe2::serialize::PyTorchStreamReader;
using protocol::ErrorCode;
namespace jit = torch::jit;

namespace {

constexpr std::string_view kCustomClasses = "__torch__.torch.classes.";
constexpr std::string_view kQuantizedClasses = "__torch__.torch.classes.quantized.";

class MemoryAdapter : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MemoryAdapter(std::span<const std::byte> file) : file_(file) {}
  size_t size() const override { return file_.size(); }
  size_t read(uint64_t position, void* into, size_t count, const char*) const override {
    if (position >= file_.size()) return 0;
    count = std::min(count, file_.size() - position);
    std::memcpy(into, file_.data() + position, count);
    return count;
  }

 private:
  std::span<const std::byte> file_;
};

[[noreturn]] void Refuse(const std::string& detail) {
  throw RequestError(ErrorCode::model_refused, "the model cannot be used", detail,
                     "Export the network with torch.jit.trace or torch.jit.script and torch.jit.save, in evaluation "
                     "mode and without operations other than those of a network.");
}

void RefuseOperator(std::string_view name, const std::string& function) {
  throw RequestError(
      ErrorCode::model_refused, "the model uses an operation that is not allowed",
      "Operation \"" + std::string(name) + "\" in \"" + function + "\" is not on the list of those a model may use.",
      "A model may compute on tensors, and nothing else: no files, no random numbers, no state that "
      "changes.");
}

// Classes written in C++ have methods that no graph shows.
void CheckType(const c10::TypePtr& type, const std::string& function) {
  if (auto class_type = type->cast<c10::ClassType>(); class_type && class_type->name()) {
    std::string name = class_type->name()->qualifiedName();
    if (name.starts_with(kCustomClasses) && !name.starts_with(kQuantizedClasses)) RefuseOperator(name, function);
  }
  for (const c10::TypePtr& contained : type->containedTypes()) CheckType(contained, function);
}

void CheckBlock(const jit::Block& block, const std::string& function, bool in_setstate) {
  for (const jit::Node* node : block.nodes()) {
    std::string_view name = node->kind().toQualString();
    if (PermissionOf(name, in_setstate) == Permission::refused) RefuseOperator(name, function);
    for (const jit::Value* value : node->inputs()) CheckType(value->type(), function);
    for (const jit::Value* value : node->outputs()) CheckType(value->type(), function);
    for (const jit::Block* inner : node->blocks()) CheckBlock(*inner, function, in_setstate);
    for (c10::Symbol attribute : node->attributeNames()) {
      if (node->kindOf(attribute) == jit::AttributeKind::g) {
        CheckBlock(*node->g(attribute)->block(), function, in_setstate);
      } else if (node->kindOf(attribute) == jit::AttributeKind::gs) {
        for (const auto& graph : node->gs(attribute)) CheckBlock(*graph->block(), function, in_setstate);
      }
    }
  }
}

void CheckFunction(jit::Function& function) {
  std::string name = function.qualname().qualifiedName();
  jit::GraphFunction* with_graph = jit::tryToGraphFunction(function);
  if (with_graph == nullptr) RefuseOperator(name, name);
  CheckBlock(*with_graph->graph()->block(), name, function.name() == "__setstate__");
}

void Open(std::optional<PyTorchStreamReader>& reader, std::span<const std::byte> file) {
  constexpr char kZip[4] = {'P', 'K', 3, 4};
  if (file.size() < sizeof(kZip) || std::memcmp(file.data(), kZip, sizeof(kZip)) != 0) {
    Refuse("The file is not a TorchScript archive.");
  }
  reader.emplace(FileInMemory(file));
}

// The code of `a.b` is in code/a/b.py; null where there is none.
std::shared_ptr<jit::Source> SourceOf(PyTorchStreamReader& reader, const std::string& qualifier) {
  std::string path = "code/" + qualifier + ".py";
  std::replace(path.begin(), path.end() - 3, '.', '/');
  if (!reader.hasRecord(path)) return nullptr;
  auto [data, size] = reader.getRecord(path);
  return std::make_shared<jit::Source>(std::string(static_cast<const char*>(data.get()), size), path, 1);
}

void CheckOpened(PyTorchStreamReader& reader) {
  // The format before PyTorch 1.4 keeps its code in other places.
  if (reader.hasRecord("model.json") || !reader.hasRecord("data.pkl") || !reader.hasRecord("constants.pkl")) {
    Refuse("The file is not a TorchScript archive of PyTorch 1.4 or later.");
  }
  auto unit = std::make_shared<jit::CompilationUnit>();
  std::vector<c10::IValue> constants;
  jit::SourceImporter importer(
      unit, &constants, [&](const std::string& qualifier) { return SourceOf(reader, qualifier); }, reader.version());
  auto resolve = [&](const c10::QualifiedName& name) {
    c10::TypePtr type = importer.loadType(name);
    CheckType(type, name.qualifiedName());
    return c10::StrongTypePtr(unit, type);
  };
  auto load_object = [&](const c10::StrongTypePtr& type, c10::IValue state) {
    auto class_type = type.type_->expect<c10::ClassType>();
    size_t count = class_type->numAttributes();
    auto object = c10::ivalue::Object::create(type, count);
    if (state.isGenericDict()) {
      c10::Dict<c10::IValue, c10::IValue> attributes = state.toGenericDict();
      for (size_t i = 0; i < count; ++i) {
        auto found = attributes.find(class_type->getAttributeName(i));
        if (found != attributes.end()) object->setSlot(i, found->value());
      }
    }
    return object;
  };
  auto read = [&](const std::string& archive, const std::string& tensors) {
    return jit::readArchiveAndTensors(archive, "", tensors, resolve, load_object, c10::kCPU, reader);
  };
  c10::IValue table = read("constants", "constants/");
  for (const c10::IValue& constant : table.toTupleRef().elements()) constants.push_back(constant);
  c10::IValue module = read("data", "data/");
  if (!module.isObject() || module.toObjectRef().type()->findMethod("forward") == nullptr) {
    Refuse("The file holds no network with a method \"forward\".");
  }
  for (jit::Function* function : unit->get_functions()) CheckFunction(*function);
}

}  // namespace

std::shared_ptr<caffe2::serialize::ReadAdapterInterface> FileInMemory(std::span<const std::byte> file) {
  return std::make_shared<MemoryAdapter>(file);
}

void CheckArchive(std::span<const std::byte> file) {
  try {
    std::optional<PyTorchStreamReader> reader;
    Open(reader, file);
    CheckOpened(*reader);
  } catch (const c10::Error& error) {
    RethrowTorchError(error.what_without_backtrace(), static_cast<uint32_t>(ErrorCode::model_refused),
                      "the model cannot be read");
  } catch (const RequestError&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    RethrowTorchError(error.what(), static_cast<uint32_t>(ErrorCode::model_refused), "the model cannot be read");
  }
}

std::string ExtraFile(std::span<const std::byte> file, const std::string& name) {
  try {
    std::optional<PyTorchStreamReader> reader;
    Open(reader, file);
    if (!reader->hasRecord("extra/" + name)) return {};
    auto [data, size] = reader->getRecord("extra/" + name);
    return {static_cast<const char*>(data.get()), size};
  } catch (const c10::Error& error) {
    RethrowTorchError(error.what_without_backtrace(), static_cast<uint32_t>(ErrorCode::model_refused),
                      "the model cannot be read");
  }
}

std::string BriefMessage(const char* what) {
  constexpr size_t kMaxLength = 300;
  std::string_view text = what;
  // A failure inside TorchScript is a traceback that ends in the message; anything else begins with it.
  std::string_view line;
  bool traceback = text.find("Traceback of TorchScript") != text.npos;
  while (!text.empty()) {
    std::string_view next = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), next.size() + 1));
    if (next.find_first_not_of(" ~^.<>-") == next.npos) continue;  // blank, or a mark below a source line
    line = next;
    if (!traceback) break;
  }
  std::string brief(line.substr(0, kMaxLength));
  if (!brief.empty() && brief.back() != '.') brief += brief.size() == kMaxLength ? "..." : ".";
  return brief;
}

bool MemoryWasShort(const char* what) {
  return std::strstr(what, "can't allocate memory") != nullptr || std::strstr(what, "bad_alloc") != nullptr;
}

void RethrowTorchError(const char* what, uint32_t code, const std::string& message) {
  if (MemoryWasShort(what)) {
    throw RequestError(ErrorCode::out_of_memory, "out of memory in the embedder",
                       "The network needs more than it may have.",
                       "Raise medvec.embedder_memory, or use a smaller network.");
  }
  throw RequestError(static_cast<ErrorCode>(code), message, BriefMessage(what));
}

}  // namespace medvec::embedder
