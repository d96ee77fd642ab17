// The text form of sparsevec: the same as the reference reads, and what was read survives text and wire.
#include "core/sparse_text.hpp"

#include "core/sparse_wire.hpp"
#include "reference_text.hpp"
#include "support.hpp"

using namespace medvec;
using namespace medvec::fuzz;

namespace {

constexpr size_t kLimit = 64;  // small, so that it is met

bool SameElement(const SparseTextElement& a, const std::pair<int32_t, float>& b) {
  return a.index == b.first && kSameBits(a.value, b.second);
}

void CheckText(std::string_view input) {
  ExactBlock<char> block{std::span(input)};
  const std::string_view text(block.span().data(), block.span().size());
  ExactBlock<SparseTextElement> elements(std::min(CountSparseElements(text), kLimit));
  const SparseText parsed = ParseSparseText(text, elements.span());

  const ReferenceSparse expected = ReadSparseText(text, kLimit);
  Check(parsed.error == expected.error, "the error is the reference's");
  Check(parsed.token.empty() || (text.data() <= parsed.token.data() &&
                                 parsed.token.data() + parsed.token.size() <= text.data() + text.size()),
        "the token lies in the text");
  if (parsed.error != SparseError::kNone) return;

  const auto read = elements.span().first(static_cast<size_t>(parsed.count));
  Check(parsed.dim == expected.dim, "the dimensions are the reference's");
  Check(std::ranges::equal(read, expected.elements, SameElement), "the elements are the reference's");
  Check(CheckSparseShape(parsed.dim, parsed.count) == SparseError::kNone, "the shape is one of a vector");

  std::string printed = "{";
  for (const SparseTextElement& element : read) {
    if (printed.size() > 1) printed += ',';
    AppendNumber(printed += std::to_string(element.index + 1) + ':', element.value);
  }
  printed += "}/" + std::to_string(parsed.dim);
  ExactBlock<SparseTextElement> again(CountSparseElements(printed));
  const SparseText reparsed = ParseSparseText(printed, again.span());
  Check(reparsed.error == SparseError::kNone && reparsed.dim == parsed.dim &&
            std::ranges::equal(again.span().first(static_cast<size_t>(reparsed.count)), expected.elements, SameElement),
        "printed and parsed it is the same");

  std::string wire;
  for (const SparseTextElement& element : read) Append(wire, element.index);
  for (const SparseTextElement& element : read) Append(wire, Bits(element.value));
  ExactBlock<int32_t> indices(read.size());
  ExactBlock<float> values(read.size());
  Check(ReadSparseWire(wire.data(), parsed.dim, indices.span(), values.span()).error == SparseError::kNone,
        "what was sent is received");
  for (size_t i = 0; i < read.size(); ++i)
    Check(SameElement(read[i], {indices.span()[i], values.span()[i]}), "sent and received it is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckText({reinterpret_cast<const char*>(data), size});
  return 0;
}
