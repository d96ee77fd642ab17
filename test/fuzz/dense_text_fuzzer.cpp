// The text form of vector or halfvec (MEDVEC_ELEMENT): the same as the reference reads, and what was read survives
// text and wire.
#include "core/vector_wire.hpp"
#include "reference_text.hpp"
#include "support.hpp"

using namespace medvec;
using namespace medvec::fuzz;
using Element = MEDVEC_ELEMENT;

namespace {

constexpr size_t kLimit = 64;  // small, so that it is met

void CheckText(std::string_view input) {
  ExactBlock<char> block{std::span(input)};
  const std::string_view text(block.span().data(), block.span().size());
  ExactBlock<Element> elements(std::min(CountElements(text), kLimit));
  const VectorText parsed = ParseVectorText(text, elements.span());

  const auto expected = ReadVectorText<Element>(text, kLimit);
  Check(parsed.error == expected.error, "the error is the reference's");
  Check(text.data() <= parsed.token.data() && parsed.token.data() + parsed.token.size() <= text.data() + text.size(),
        "the token lies in the text");
  if (parsed.error != VectorTextError::kTooManyDimensions)
    Check(parsed.token.data() == expected.token.data() && parsed.token.size() == expected.token.size(),
          "the place is the reference's");
  if (parsed.error != VectorTextError::kNone) return;

  const std::span<const Element> read = elements.span();
  Check(parsed.dim == static_cast<int>(read.size()) && parsed.dim >= 1, "well-formed text fills what it was sized for");
  Check(std::ranges::equal(read, expected.elements, kSameBits), "the elements are the reference's");
  Check(std::ranges::all_of(read, [](Element x) { return IsFinite(x); }), "elements are finite");

  std::string printed;
  for (const Element x : read) AppendNumber(printed += printed.empty() ? '[' : ',', ToFloat(x));
  printed += ']';
  ExactBlock<Element> again(read.size());
  Check(ParseVectorText(printed, again.span()).error == VectorTextError::kNone &&
            std::ranges::equal(read, again.span(), kSameBits),
        "printed and parsed it is the same");

  std::string wire;
  Append(wire, static_cast<int16_t>(parsed.dim));
  Append(wire, int16_t{0});
  for (const Element x : read) {
    if constexpr (sizeof x == 2) Append(wire, static_cast<uint16_t>(Bits(x)));
    if constexpr (sizeof x == 4) Append(wire, Bits(x));
  }
  const VectorWireHeader header = ParseVectorWireHeader(AsBytes(wire));
  Check(header.error == VectorWireError::kNone && header.dim == parsed.dim, "the wire has its dimensions");
  std::ranges::fill(again.span(), Element{});
  Check(ParseVectorWireElements(AsBytes(wire).subspan(kVectorWireHeaderSize), again.span()) == VectorWireError::kNone &&
            std::ranges::equal(read, again.span(), kSameBits),
        "sent and received it is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckText({reinterpret_cast<const char*>(data), size});
  return 0;
}
