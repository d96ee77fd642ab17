// The binary form of sparsevec, and behind a well-formed one a second, for distances and order. What is no second one
// says which indices a vector shares with the first.
#include "core/sparse_wire.hpp"

#include "core/sparse_text.hpp"
#include "reference_distance.hpp"
#include "support.hpp"

using namespace medvec;
using namespace medvec::fuzz;

namespace {

struct Received {
  int32_t dim = 0;
  std::vector<int32_t> indices;
  std::vector<float> values;
};

SparseWire ReferenceElements(std::span<const uint8_t> bytes, size_t count, Received& received) {
  int32_t last = -1;
  for (size_t i = 0; i < count; ++i) {
    const auto index = Take<int32_t>(bytes);
    if (index < 0 || index >= received.dim) return {SparseError::kIndexOutOfBounds, static_cast<int>(i)};
    if (index <= last)
      return {index == last ? SparseError::kDuplicateIndices : SparseError::kDescendingIndices, static_cast<int>(i)};
    received.indices.push_back(last = index);
  }
  for (size_t i = 0; i < count; ++i) {
    const auto value = std::bit_cast<float>(Take<uint32_t>(bytes));
    const SparseError error = std::isnan(value)   ? SparseError::kNotANumber
                              : std::isinf(value) ? SparseError::kInfinite
                              : value == 0        ? SparseError::kZeroValue
                                                  : SparseError::kNone;
    if (error != SparseError::kNone) return {error, static_cast<int>(i)};
    received.values.push_back(value);
  }
  return {SparseError::kNone, 0};
}

// Takes one vector from the input, as the type's receiving function does; false when it is malformed.
bool CheckOne(std::span<const uint8_t>& input, Received& received) {
  if (input.size() < 12) return false;
  received.dim = Take<int32_t>(input);
  const auto count = Take<int32_t>(input), unused = Take<int32_t>(input);
  const SparseError shape = CheckSparseShape(received.dim, count);
  const bool sound =
      received.dim >= 1 && received.dim <= 1000000000 && count >= 0 && count <= 16000 && count <= received.dim;
  Check((shape == SparseError::kNone) == sound, "the shape is judged as the limits say");
  if (!sound || unused != 0 || input.size() / kSparseWireElement < static_cast<size_t>(count)) return false;

  const size_t size = static_cast<size_t>(count) * kSparseWireElement;
  ExactBlock<char> block(input.first(size));
  ExactBlock<int32_t> indices(static_cast<size_t>(count));
  ExactBlock<float> values(static_cast<size_t>(count));
  const SparseWire read = ReadSparseWire(block.span().data(), received.dim, indices.span(), values.span());
  const SparseWire expected = ReferenceElements(input, static_cast<size_t>(count), received);
  Check(read.error == expected.error && read.element == expected.element, "the error is the reference's");
  if (read.error != SparseError::kNone) return false;
  Check(std::ranges::equal(indices.span(), received.indices) &&
            std::ranges::equal(values.span(), received.values, kSameBits),
        "the elements are the reference's");

  std::string printed = "{";
  for (size_t i = 0; i < received.indices.size(); ++i) {
    if (i > 0) printed += ',';
    AppendNumber(printed += std::to_string(received.indices[i] + 1) + ':', received.values[i]);
  }
  printed += "}/" + std::to_string(received.dim);
  ExactBlock<SparseTextElement> again(CountSparseElements(printed));
  const SparseText parsed = ParseSparseText(printed, again.span());
  const auto elements = again.span().first(static_cast<size_t>(parsed.count));
  Check(parsed.error == SparseError::kNone && parsed.dim == received.dim &&
            std::ranges::equal(elements, received.indices, {}, &SparseTextElement::index) &&
            std::ranges::equal(elements, received.values, kSameBits, &SparseTextElement::value),
        "printed and parsed it is the same");
  input = input.subspan(size);
  return true;
}

// Each byte is the step from one index to the next and says whose value it takes.
Received FromSteps(const Received& a, std::span<const uint8_t> steps) {
  Received b{a.dim, {}, {}};
  int64_t index = -1;
  for (const uint8_t step : steps) {
    index += 1 + step % 4;
    if (index >= b.dim) break;
    b.indices.push_back(static_cast<int32_t>(index));
    b.values.push_back(a.values[step / 4 % a.values.size()]);
  }
  return b;
}

// Out of blocks of their exact size.
void CheckPair(const Received& a, const Received& b) {
  ExactBlock<int32_t> indices_a{std::span(a.indices)}, indices_b{std::span(b.indices)};
  ExactBlock<float> values_a{std::span(a.values)}, values_b{std::span(b.values)};
  CheckSparseDistances({a.dim, indices_a.span(), values_a.span()}, {b.dim, indices_b.span(), values_b.span()});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> input(data, size);
  Received a, b;
  if (!CheckOne(input, a)) return 0;
  CheckPair(a, a);
  const std::span<const uint8_t> rest = input;
  if (CheckOne(input, b)) {
    CheckPair(a, b);
    b.dim = a.dim;  // distances, where its indices allow it
    if (b.indices.empty() || b.indices.back() < a.dim) CheckPair(a, b);
  } else if (!a.values.empty()) {
    CheckPair(a, FromSteps(a, rest));
  }
  return 0;
}
